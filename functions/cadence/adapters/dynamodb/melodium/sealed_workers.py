"""`WorkerSecretStore`: in the `runners` table, encrypted, each bound to its run."""

import base64
import json
from collections.abc import Mapping
from typing import ClassVar

from pynamodb.attributes import JSONAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, expiry
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import Cipher
from cadence.application.melodium.worker_ports import WorkerSecrets, WorkerSecretStore
from cadence.domain.shared.errors import Conflict, NotFound

# The most that the cipher encrypts in one piece.
_PIECE = 4096


class WorkerSecretsItem(RunnersTable):
    SK: ClassVar[str] = "WORKERSECRETS"

    pieces = JSONAttribute()  # ciphertexts, base64

    @classmethod
    def key(cls, run_id: str) -> tuple[str, str]:
        return f"RUN#{run_id}", cls.SK


class SealedWorkers(WorkerSecretStore):
    def __init__(self, table_name: str, cipher: Cipher) -> None:
        bind(WorkerSecretsItem, table_name)
        self._cipher = cipher

    def keep(self, run_id: str, secrets: WorkerSecrets) -> WorkerSecrets:
        plain = json.dumps([secrets.receive_key, secrets.send_key, dict(secrets.pull_secrets)]).encode()
        pieces = [
            base64.b64encode(self._cipher.encrypt(plain[start : start + _PIECE], _bound_to(run_id))).decode()
            for start in range(0, len(plain), _PIECE)
        ]
        item = WorkerSecretsItem(*WorkerSecretsItem.key(run_id), pieces=pieces, expires_at=expiry())
        try:
            with translated(f"keys of run {run_id}"):
                item.save(WorkerSecretsItem.pk.does_not_exist())
        except Conflict:
            return self.get(run_id)
        return secrets

    def get(self, run_id: str) -> WorkerSecrets:
        try:
            with translated(f"keys of run {run_id}"):
                item = WorkerSecretsItem.get(*WorkerSecretsItem.key(run_id), consistent_read=True)
        except DoesNotExist:
            raise NotFound(f"The keys of run {run_id} are not kept.") from None
        pieces = (base64.b64decode(piece) for piece in item.pieces)
        receive, send, pull = json.loads(b"".join(self._cipher.decrypt(piece, _bound_to(run_id)) for piece in pieces))
        return WorkerSecrets(receive, send, pull)


def _bound_to(run_id: str) -> Mapping[str, str]:
    return {"use": "melodium-worker", "run": run_id}
