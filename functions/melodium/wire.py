"""Answers to engines, as JSON."""

from typing import Any

from cadence.application.melodium.ports import FormUpload, WorkerReady
from cadence.application.melodium.report import Destinations


def access_json(access_data: WorkerReady, tunnel_url: str) -> dict[str, Any]:
    """Returns the access data. `machine` and `tunnel` are for relays; engines ignore members that they do not know."""
    started = {
        "id": access_data.run_id,
        "addresses": list(access_data.addresses),
        "port": access_data.port,
        "key": access_data.key,
    }
    return {"started": {**started, "machine": access_data.machine, "tunnel": tunnel_url}}


def destinations_json(its: Destinations, base: str) -> dict[str, Any]:
    run = its.run
    group_id = run.melodium.group_id if run.melodium else ""
    return {
        "run_id": run.run_id,
        "group_id": group_id,
        "dashboard": f"{base}/execution/report/dashboard/{group_id}/{run.run_id}",
        "logs": _form(its.logs),
        "debug": _form(its.debug),
        "program": {"presigned_put_s3": {"uri": its.program.uri, "headers": dict(its.program.headers)}},
    }


def _form(upload: FormUpload) -> dict[str, Any]:
    return {"presigned_post_s3": {"uri": upload.uri, "fields": dict(upload.fields), "path": upload.path}}
