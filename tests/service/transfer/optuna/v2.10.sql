BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v2.6.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'two');
INSERT INTO "studies" VALUES(2,'one');
INSERT INTO "studies" VALUES(3,'constrained');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',1,1);
INSERT INTO "study_directions" VALUES(3,'MINIMIZE',2,0);
INSERT INTO "study_directions" VALUES(4,'MINIMIZE',3,0);
INSERT INTO "study_directions" VALUES(5,'MINIMIZE',3,1);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'team','"search"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,10,0,-1.28010195715992480813e-01);
INSERT INTO "trial_intermediate_values" VALUES(2,11,0,-9.48147536344217334303e-01);
INSERT INTO "trial_intermediate_values" VALUES(3,12,0,9.93249557574182873054e-02);
INSERT INTO "trial_intermediate_values" VALUES(4,13,0,-1.29355214763446246806e-01);
INSERT INTO "trial_intermediate_values" VALUES(5,14,0,-1.59264395825021942698e-01);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'family',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(2,1,'rate',1.61931109124407481003e-03,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(3,1,'batch',16.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(4,1,'drop',0.0,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(5,1,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(6,1,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(7,2,'family',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(8,2,'rate',5.50652989794598729522e-02,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(9,2,'batch',16.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(10,2,'drop',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(11,2,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(12,2,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(13,3,'family',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(14,3,'rate',6.20020367716472278404e-04,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(15,3,'batch',56.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(16,3,'drop',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(17,3,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(18,3,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(19,4,'family',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(20,4,'rate',1.43291072384678553784e-04,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(21,4,'batch',16.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(22,4,'drop',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(23,4,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(24,4,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(25,5,'family',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(26,5,'rate',1.82836342098445210971e-03,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(27,5,'batch',48.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(28,5,'drop',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(29,5,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(30,5,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(31,5,'depth',9.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 9, "step": 1}}');
INSERT INTO "trial_params" VALUES(32,6,'family',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(33,6,'rate',2.58764101542105213853e-04,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(34,6,'batch',32.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(35,6,'drop',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(36,6,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(37,6,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(38,7,'family',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(39,7,'rate',7.02283498576434421847e-04,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(40,7,'batch',24.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(41,7,'drop',0.2,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(42,7,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(43,7,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(44,8,'family',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["tree", "line", null]}}');
INSERT INTO "trial_params" VALUES(45,8,'rate',2.56647900164461671701e-04,'{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(46,8,'batch',32.0,'{"name": "IntUniformDistribution", "attributes": {"low": 8, "high": 64, "step": 8}}');
INSERT INTO "trial_params" VALUES(47,8,'drop',0.4,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(48,8,'fixed',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["only"]}}');
INSERT INTO "trial_params" VALUES(49,8,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(50,10,'x',-1.28010195715992480813e-01,'{"name": "UniformDistribution", "attributes": {"low": -1.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(51,11,'x',-9.48147536344217334303e-01,'{"name": "UniformDistribution", "attributes": {"low": -1.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(52,12,'x',9.93249557574182873054e-02,'{"name": "UniformDistribution", "attributes": {"low": -1.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(53,13,'x',-1.29355214763446246806e-01,'{"name": "UniformDistribution", "attributes": {"low": -1.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(54,14,'x',-1.59264395825021942698e-01,'{"name": "UniformDistribution", "attributes": {"low": -1.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(55,15,'x',0.0,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(56,16,'x',0.1,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 1.0}}');
INSERT INTO "trial_params" VALUES(57,17,'x',0.2,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 1.0}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,9,'fixed_params','{"family": "tree", "rate": 0.5, "batch": 16, "drop": 0.2, "fixed": "only", "flag": true, "depth": 4}');
INSERT INTO "trial_system_attributes" VALUES(2,15,'constraints','[-1.0, -0.5]');
INSERT INTO "trial_system_attributes" VALUES(3,16,'constraints','[0.0, -0.5]');
INSERT INTO "trial_system_attributes" VALUES(4,17,'constraints','[1.0, -0.5]');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'host','"h0"');
INSERT INTO "trial_user_attributes" VALUES(2,2,'host','"h1"');
INSERT INTO "trial_user_attributes" VALUES(3,3,'host','"h2"');
INSERT INTO "trial_user_attributes" VALUES(4,4,'host','"h3"');
INSERT INTO "trial_user_attributes" VALUES(5,5,'host','"h4"');
INSERT INTO "trial_user_attributes" VALUES(6,6,'host','"h5"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,1.61931109124407481003e-03);
INSERT INTO "trial_values" VALUES(2,1,1,16.0);
INSERT INTO "trial_values" VALUES(3,2,0,5.50652989794598729522e-02);
INSERT INTO "trial_values" VALUES(4,2,1,16.5);
INSERT INTO "trial_values" VALUES(5,3,0,6.20020367716472278404e-04);
INSERT INTO "trial_values" VALUES(6,3,1,56.5);
INSERT INTO "trial_values" VALUES(7,4,0,1.43291072384678553784e-04);
INSERT INTO "trial_values" VALUES(8,4,1,16.5);
INSERT INTO "trial_values" VALUES(9,5,0,1.82836342098445210971e-03);
INSERT INTO "trial_values" VALUES(10,5,1,48.5);
INSERT INTO "trial_values" VALUES(11,6,0,2.58764101542105213853e-04);
INSERT INTO "trial_values" VALUES(12,6,1,32.5);
INSERT INTO "trial_values" VALUES(13,10,0,0.0163866102072467);
INSERT INTO "trial_values" VALUES(14,11,0,0.898983750675609);
INSERT INTO "trial_values" VALUES(15,12,0,9.93249557574182873054e-02);
INSERT INTO "trial_values" VALUES(16,13,0,9e999);
INSERT INTO "trial_values" VALUES(17,14,0,2.53651477775092663857e-02);
INSERT INTO "trial_values" VALUES(18,15,0,0.0);
INSERT INTO "trial_values" VALUES(19,15,1,1.0);
INSERT INTO "trial_values" VALUES(20,16,0,1.0);
INSERT INTO "trial_values" VALUES(21,16,1,0.0);
INSERT INTO "trial_values" VALUES(22,17,0,2.0);
INSERT INTO "trial_values" VALUES(23,17,1,-1.0);
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-23 12:31:33.529408','2026-11-23 12:31:33.734144');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-23 12:31:33.772815','2026-11-23 12:31:34.006117');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-23 12:31:34.038435','2026-11-23 12:31:34.266072');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-23 12:31:34.305271','2026-11-23 12:31:34.582208');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-23 12:31:34.617198','2026-11-23 12:31:34.900647');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-23 12:31:34.941007','2026-11-23 12:31:35.186058');
INSERT INTO "trials" VALUES(7,6,1,'FAIL','2026-11-23 12:31:35.220488','2026-11-23 12:31:35.458092');
INSERT INTO "trials" VALUES(8,7,1,'RUNNING','2026-11-23 12:31:35.493500',NULL);
INSERT INTO "trials" VALUES(9,8,1,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(10,0,2,'COMPLETE','2026-11-23 12:31:35.815794','2026-11-23 12:31:35.921575');
INSERT INTO "trials" VALUES(11,1,2,'COMPLETE','2026-11-23 12:31:35.957761','2026-11-23 12:31:36.010029');
INSERT INTO "trials" VALUES(12,2,2,'PRUNED','2026-11-23 12:31:36.027252','2026-11-23 12:31:36.075360');
INSERT INTO "trials" VALUES(13,3,2,'COMPLETE','2026-11-23 12:31:36.097158','2026-11-23 12:31:36.157628');
INSERT INTO "trials" VALUES(14,4,2,'COMPLETE','2026-11-23 12:31:36.182219','2026-11-23 12:31:36.230046');
INSERT INTO "trials" VALUES(15,0,3,'COMPLETE','2026-11-23 12:31:36.350068','2026-11-23 12:31:36.350068');
INSERT INTO "trials" VALUES(16,1,3,'COMPLETE','2026-11-23 12:31:36.396115','2026-11-23 12:31:36.396115');
INSERT INTO "trials" VALUES(17,2,3,'COMPLETE','2026-11-23 12:31:36.443596','2026-11-23 12:31:36.443596');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'2.10.1');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
COMMIT;
