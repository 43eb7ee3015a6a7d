"""What is out of a token's reach does not exist for it: another team's, another experiment's, another project's."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from sqlalchemy.orm import Session

from service import tokens
from service.models import (
    Client,
    Endpoint,
    Project,
    TrainingRun,
)
from tests.factories import make_experiment
from tests.service.api.matrix import NOW, Team, World, message

#: What belongs to a project, or to nothing that a token for another project may see.
IN_PROJECTS = {"experiment_id", "aiexperiment_id", "project_id", "training_run_id", "file_id", "webhook_id", "token"}
NOBODY = "99999999"


def test_what_another_team_has_does_not_exist(world: World) -> None:
    """The answer is the one about what nobody has, word for word; also where only the path's last part is theirs."""
    theirs, mine = world.team(), world.team()
    secret = world.token(mine, tokens.PERMISSIONS["admin"])
    nobody = dict.fromkeys(theirs.ids, NOBODY) | {"_rest": "permissions"}
    wrong = []
    for route, _ in world.guarded():
        if not route.parameters:
            continue
        last = route.parameters[-1]
        for real, fake in (
            (theirs.ids, nobody),
            (mine.ids | {last: theirs.ids[last]}, mine.ids | {last: nobody[last]}),
        ):
            there, nowhere = world.call(route, real, secret), world.call(route, fake, secret)
            same = unnamed(message(there), real) == unnamed(message(nowhere), fake)
            if not 400 <= there.status_code < 500 or there.status_code != nowhere.status_code or not same:
                wrong.append((route.name, there.status_code, message(there)[:80], nowhere.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_stranger_is_not_told_what_is_wrong_with_a_request(world: World) -> None:
    """SigOpt looks whose it is before what is asked of it; the bodies here lack all that is required."""
    theirs, mine = world.team(), world.team()
    secret = world.token(mine, tokens.PERMISSIONS["admin"])
    replies = {
        route.name: world.call(route, theirs.ids, secret).status_code
        for route, _ in world.guarded()
        if route.parameters
    }
    assert {name: status for name, status in replies.items() if status not in (403, 404)} == {}


def unnamed(text: str, ids: Mapping[str, str]) -> str:
    for value in sorted(set(ids.values()), key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(value)}\b", "ID", text)
    return text


def test_a_guest_looks_at_one_experiment_and_changes_nothing(world: World) -> None:
    team = world.team()
    with world.database.write() as session:
        secret = tokens.share(session, client_id=team.client_id, experiment_id=int(team.ids["experiment_id"]), now=NOW)[
            1
        ]
        other = make_experiment(session, client=session.get_one(Client, team.client_id))
        others = team.ids | {"experiment_id": str(other.id)}
    wrong = []
    for route, _ in world.guarded():
        response = world.call(route, team.ids, secret)
        if route.method != "GET" and response.status_code < 400:
            wrong.append((route.name, response.status_code))
        if "experiment_id" in route.parameters and world.call(route, others, secret).status_code < 400:
            wrong.append((f"{route.name} of another experiment", response.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_token_for_one_project_reaches_no_other(world: World) -> None:
    team = world.team()
    with world.database.write() as session:
        given = {"client_id": team.client_id, "reference": "own", "name": "own", "created_at": NOW, "updated_at": NOW}
        project = Project(**given)
        session.add(project)
        session.flush()
        own = project.id
    secret = world.token(team, tokens.PERMISSIONS["admin"], project_id=own)
    reached = [
        (route.name, response.status_code, response.text[:200])
        for route, _ in world.guarded()
        if set(route.parameters) & IN_PROJECTS
        and (response := world.call(route, team.ids, secret)).status_code not in (400, 403, 404, 422)
    ]
    assert not reached, "\n".join(map(str, reached))


TELLTALE = "nobody may tell of this"


def hide(world: World, team: Team) -> None:
    """Give a team more than it has: of each kind one thing with a name that must not be seen."""
    with world.database.write() as session:
        client = session.get_one(Client, team.client_id)
        given = {"client_id": team.client_id, "name": TELLTALE, "created_at": NOW, "updated_at": NOW}
        project = Project(reference="hidden", **given)
        session.add(project)
        session.flush()
        make_experiment(session, client=client, name=TELLTALE, project_id=project.id)
        make_experiment(session, client=client, name=TELLTALE, project_id=project.id, runs_only=True)
        session.add(TrainingRun(project_id=project.id, document={}, **given))
        url = f"https://example.com/{TELLTALE}"
        session.add(Endpoint(client_id=team.client_id, url=url, secret="whsec_eA==", event_types=[], created_at=NOW))
        tokens.issue(session, client_id=team.client_id, name=TELLTALE, permission="read", now=NOW)


@pytest.mark.parametrize("who", ["another team", "a guest of an experiment", "a guest of a run", "a project's token"])
def test_nobody_is_told_of_what_is_out_of_reach(world: World, who: str) -> None:
    team = world.team()
    hide(world, team)
    with world.database.write() as session:
        project = session.query(Project).filter_by(reference=team.ids["project_id"], client_id=team.client_id).one()
        shared = {"client_id": team.client_id, "now": NOW}
        secret = {
            "another team": lambda: stranger(session),
            "a guest of an experiment": lambda: tokens.share(
                session, experiment_id=int(team.ids["experiment_id"]), **shared
            )[1],
            "a guest of a run": lambda: tokens.share(
                session, training_run_id=int(team.ids["training_run_id"]), **shared
            )[1],
            "a project's token": lambda: tokens.issue(
                session, name="t", permission="admin", project_id=project.id, **shared
            )[1],
        }[who]()
    assert telling(world, team, secret) == set()


def test_what_is_hidden_from_others_is_there_for_its_team(world: World) -> None:
    """Without this the promise above could be kept by showing nothing."""
    team = world.team()
    hide(world, team)
    whole = telling(world, team, world.token(team, tokens.PERMISSIONS["admin"]))
    assert {"GET /", "GET /v1/experiments", "GET /v1/aiexperiments", "GET /v1/webhooks"} <= whole
    assert {f"GET /v1/clients/<client_id>/{what}" for what in ("projects", "training_runs", "tokens")} <= whole


def telling(world: World, team: Team, secret: str) -> set[str]:
    """Return the routes that tell of what is hidden."""
    looks = [route for route, _ in world.guarded() if route.method == "GET"]
    return {route.name for route in looks if TELLTALE in world.call(route, team.ids, secret).text}


def stranger(session: Session) -> str:
    client = Client(name="Another team", created_at=NOW)
    session.add(client)
    session.flush()
    return tokens.issue(session, client_id=client.id, name="t", permission="admin", now=NOW)[1]
