"""Requests about pipelines and Mélodium programs."""

from typing import Any

from cadence.cli.client.session import ApiSession, Json


class PipelineRequests(ApiSession):
    """Requests about pipelines and Mélodium programs."""

    def validate(self, document: str, programs: Json | None = None, libraries: Json | None = None) -> Json:
        """`programs` are those that the document names and the project does not have, as `read_program` takes each.

        `libraries` are other files of its repository: `{"path", "libraries"}` of the request.
        """
        return self._call("POST", self._in_project("pipelines:validate"), with_programs(document, programs, libraries))

    def put_pipeline(
        self, name: str, document: str, programs: Json | None = None, libraries: Json | None = None
    ) -> Json:
        return self._call("PUT", self._in_project("pipelines", name), with_programs(document, programs, libraries))

    def pipelines(self) -> Json:
        return self._call("GET", self._in_project("pipelines"))["items"]

    def pipeline(self, name: str, version: int | None = None) -> Json:
        return self._call("GET", self._in_project("pipelines", name), params={"version": version})

    def delete_pipeline(self, name: str) -> None:
        self._call("DELETE", self._in_project("pipelines", name))

    def badge(self, pipeline: str, branch: str | None, repository: str | None) -> Json:
        path = self._in_project("pipelines", pipeline, "badge")
        return self._call("GET", path, params={"branch": branch, "repository": repository})

    def put_badges(self, *, public: bool, revoke_tokens: bool) -> Json:
        return self._call("PUT", self._in_project("badges"), {"public": public, "revoke_tokens": revoke_tokens})

    def read_program(self, sent: Json) -> Json:
        """`sent` is `{"content": base64, "filename"}`."""
        return self._call("POST", self._in_project("programs:read"), sent)

    def put_program(self, name: str, sent: Json) -> Json:
        return self._call("PUT", self._in_project("programs", name), sent)

    def programs(self) -> Json:
        return self._call("GET", self._in_project("programs"))["items"]

    def program(self, name: str) -> Json:
        return self._call("GET", self._in_project("programs", name))

    def delete_program(self, name: str) -> None:
        self._call("DELETE", self._in_project("programs", name))


def with_programs(document: str, programs: Json | None, libraries: Json | None = None) -> dict[str, Any]:
    """The body of a request that sends `document`, the programs that it names and the libraries that it uses."""
    return {"document": document, **({"programs": programs} if programs else {}), **(libraries or {})}
