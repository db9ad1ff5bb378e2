"""How the numbers of an investigation are said."""

from typing import Final

from server_stub.investigation.analysis import (
    Interval,
    Investigation,
    OriginDimension,
    OriginTable,
    ShareFinding,
)

HEADINGS: Final = {
    OriginDimension.SALE_REGION: "Sale region",
    OriginDimension.MODEL: "Model",
    OriginDimension.BATCH: "Batch",
    OriginDimension.DISTRIBUTOR: "Distributor",
}

FINDINGS: Final = {
    ShareFinding.ABOVE: "more than the rest",
    ShareFinding.BELOW: "less than the rest",
    ShareFinding.UNDECIDED: "no telling",
}


def percent(rate: float) -> str:
    """
    >>> percent(0.307)
    '30.7 %'
    """
    return f"{100 * rate:.1f} %"


def between(interval: Interval) -> str:
    """
    >>> between(Interval(0.255, 0.366))
    '25.5 to 36.6 %'
    """
    return f"{100 * interval.low:.1f} to {percent(interval.high)}"


def lead(found: Investigation) -> str:
    """The answer in two sentences."""
    if not found.activated:
        return "No activated phone is known, so there is nothing to investigate."
    rate = percent(found.prohibited / found.activated)
    said = (
        f"Of {found.activated} activated phones {found.prohibited} ({rate}) were activated in a prohibited territory; "
        f"with this many phones the share lies between {between(found.interval)}."
    )
    named = [
        f"{HEADINGS[table.dimension].lower()} {share.value}"
        for table in found.tables
        for share in table.shares
        if share.finding is ShareFinding.ABOVE
    ]
    if not named:
        return f"{said} No sale region, model, batch or distributor stands out beyond chance."
    return f"{said} More than the rest, beyond chance: {', '.join(named)}."


def coverage(table: OriginTable) -> str:
    """For how many phones the dimension is known at all."""
    if table.activated == 0:
        return "No phone is known."
    said = f"Known of {table.known} of {table.activated} activated phones."
    return f"{said} Values too small for a row of their own: {table.folded}." if table.folded else said
