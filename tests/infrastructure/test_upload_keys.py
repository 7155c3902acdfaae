"""The key that signs engines' uploads is rotated with an overlap, and its logical id does not change."""

import pytest

from infra.deployment import read_deployment


@pytest.mark.parametrize(("numbers", "names"), [((1,), ["Key"]), ((1, 2), ["Key", "Key2"]), ((2,), ["Key2"])], ids=str)
def test_the_newest_key_signs_and_the_one_before_stays(numbers: tuple[int, ...], names: list[str]) -> None:
    import aws_cdk
    from aws_cdk.assertions import Template

    from infra.resources import Resources
    from infra.rooms.melodium import Uploader

    stack = aws_cdk.Stack(aws_cdk.App(), "Stack")
    deployment = read_deployment(stack.node)
    uploader = Uploader(stack, deployment, Resources(stack, deployment), numbers)
    keys = Template.from_stack(stack).find_resources("AWS::IAM::AccessKey")
    assert [one["Properties"]["Serial"] for one in keys.values()] == list(numbers)
    assert [name.removeprefix("Uploader")[: len(part)] for name, part in zip(keys, names, strict=True)] == names
    assert stack.resolve(uploader.key_id) == {"Ref": list(keys)[-1]}
