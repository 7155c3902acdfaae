"""Finds the outputs of other treatments that a condition reads."""


def outputs_read(condition: str | None) -> tuple[tuple[str, str], ...]:
    """Returns the outputs that a condition (CEL, without braces) names, as treatment and port, each once."""
    if condition is None or "outputs" not in condition:
        return ()
    # Imported here, because it takes time to load, and few documents have such conditions.
    from cadence.domain.pipelines.expression import read_template

    paths = [use.path for part in read_template(f"${{{{ {condition} }}}}").expressions for use in part.names]
    named = [path for path in paths if len(path) > 3 and (path[0], path[2]) == ("treatments", "outputs")]
    return tuple(dict.fromkeys((path[1], path[3]) for path in named))
