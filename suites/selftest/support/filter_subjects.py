"""Values to draw filters from, made up."""

from fixtures.checks.company_contacts.cases.filter_values import FilterSubject, FilterValue


def made_up_subject(size: int = 64) -> FilterSubject:
    """Six parameters of three classes each, whose values are the bits of the contacts' numbers."""
    choices = [
        FilterValue(
            parameter=f"p{bit}",
            value_class=value_class,
            value=f"{bit}{value_class}",
            mask=sum(1 << row for row in range(size) if bool(row >> bit & 1) is wanted),
        )
        for bit in range(6)
        for value_class, wanted in (("word", True), ("comma", False), ("wildcard", True))
    ]
    return FilterSubject(company="k", contacts=size, choices=tuple(choices))
