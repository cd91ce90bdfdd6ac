"""The page that follows a run, as HTML; what it asks for is in `live`."""

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report.contents import METHOD_STEPS
from sysgen_dagster.report.page import fill_template, words_of


def render_live(place: str, news: str, whole: str = "") -> str:
    """The page.

    Args:
        place: Where the deployment is.
        news: The path that the page asks for what is new.
        whole: The path of the report that was made last; empty: there is none.
    """
    return fill_template(
        "report/live.html.j2",
        ("report/story.js", "report/sets.js", "report/live.js"),
        connect="'self'",
        place=place,
        news=news,
        whole=whole,
        words=words_of(TAG_NAMES, METHOD_STEPS),
    )
