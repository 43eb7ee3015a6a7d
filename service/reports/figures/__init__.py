"""The report's pictures as SVG text: pure functions, the same values give the same picture (stop "service/reports").

They carry no colours and no script: the page's stylesheet knows the class names, in light, in dark and on paper.
"""

from service.reports.figures.marks import bar, symbol
from service.reports.figures.progress import progress_curve
from service.reports.figures.scatter import Figure, pareto_scatter

__all__ = ["Figure", "bar", "pareto_scatter", "progress_curve", "symbol"]
