"""`CommitReportStore` on the `repositories` table: one partition for each commit."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action

from cadence.adapters.dynamodb.repositories.repository_items import (
    ReportCommentItem,
    ReportHeadItem,
    ReportProblemItem,
    ReportRunItem,
    ReportSentItem,
    RepositoriesTable,
    RepositoryItem,
    commit_key,
    pull_request_key,
)
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.repositories.ports import CommitReportStore, LeaseHolder, ReportProgress, SentComment
from cadence.domain.repositories.commit_check import CommitCheck, SentCheck
from cadence.domain.repositories.commit_report import CommitStatus, PullRequestComment
from cadence.domain.shared.errors import Conflict

_KEPT = timedelta(days=90)
_NOT_SENT = "-"


class DynamoCommitReports(CommitReportStore):
    def __init__(self, table_name: str) -> None:
        for item in (
            RepositoriesTable,
            ReportHeadItem,
            ReportRunItem,
            ReportSentItem,
            ReportCommentItem,
            ReportProblemItem,
        ):
            bind(item, table_name)

    def add_run(self, repository_id: str, commit: str, run_id: str) -> None:
        item = ReportRunItem(commit_key(repository_id, commit), ReportRunItem.PREFIX + run_id, expires_at=_expiry())
        with translated(f"commit {commit}"):
            item.save()

    def take(
        self, repository_id: str, commit: str, owner: str, until: datetime, now: datetime
    ) -> ReportProgress | None:
        item = ReportHeadItem(commit_key(repository_id, commit), ReportHeadItem.SK)
        leased_until, waiting = ReportHeadItem.leased_until, ReportHeadItem.waiting
        actions: list[Action] = [
            ReportHeadItem.owner.set(owner),
            leased_until.set(until),
            waiting.remove(),
            ReportHeadItem.expires_at.set(_expiry()),
        ]
        try:
            with translated(f"commit {commit}"):
                item.update(actions, condition=leased_until.does_not_exist() | (leased_until < now))
        except Conflict:
            return None
        return self._progress(repository_id, commit, item)

    def runs_of(self, repository_id: str, commit: str) -> Sequence[str]:
        with translated(f"commit {commit}"):
            runs = ReportRunItem.query(
                commit_key(repository_id, commit),
                ReportRunItem.sk.startswith(ReportRunItem.PREFIX),
                consistent_read=True,
            )
            return [item.sk.removeprefix(ReportRunItem.PREFIX) for item in runs]

    def _progress(self, repository_id: str, commit: str, head: ReportHeadItem) -> ReportProgress:
        partition, run_ids = commit_key(repository_id, commit), self.runs_of(repository_id, commit)
        with translated(f"commit {commit}"):
            sent = ReportSentItem.query(
                partition, ReportSentItem.sk.startswith(ReportSentItem.PREFIX), consistent_read=True
            )
            items = {item.sk.removeprefix(ReportSentItem.PREFIX): item for item in sent}
        return ReportProgress(
            runs=tuple(run_ids),
            sent={context: item.digest for context, item in items.items()},
            checks={context: made for context, item in items.items() if (made := item.check()) is not None},
            problem=head.problem or "",
            retry_at=head.retry_at,
            failing_since=head.failing_since,
        )

    def holder(self, repository_id: str, commit: str) -> LeaseHolder:
        try:
            with translated(f"commit {commit}"):
                head = ReportHeadItem.get(commit_key(repository_id, commit), ReportHeadItem.SK, consistent_read=True)
        except DoesNotExist:
            return LeaseHolder()
        return LeaseHolder(head.owner or "", bool(head.waiting))

    def note_waiting(self, repository_id: str, commit: str, owner: str) -> None:
        item = ReportHeadItem(commit_key(repository_id, commit), ReportHeadItem.SK)
        actions: list[Action] = [ReportHeadItem.waiting.set(True), ReportHeadItem.expires_at.set(_expiry())]
        with suppress(Conflict), translated(f"commit {commit}"):
            item.update(actions, condition=ReportHeadItem.owner == owner)

    def release(self, repository_id: str, commit: str, owner: str) -> None:
        head = ReportHeadItem
        self._give_up(
            repository_id,
            commit,
            owner,
            [head.problem.remove(), head.failing_since.remove(), head.retry_at.remove()],
        )

    def release_failed(
        self, repository_id: str, commit: str, owner: str, *, problem: str, since: datetime, retry_at: datetime | None
    ) -> None:
        head = ReportHeadItem
        retry = head.retry_at.remove() if retry_at is None else head.retry_at.set(retry_at)
        self._give_up(repository_id, commit, owner, [head.problem.set(problem), head.failing_since.set(since), retry])

    def _give_up(self, repository_id: str, commit: str, owner: str, actions: list[Action]) -> None:
        item = ReportHeadItem(commit_key(repository_id, commit), ReportHeadItem.SK)
        ending: list[Action] = [*actions, ReportHeadItem.owner.remove(), ReportHeadItem.leased_until.remove()]
        try:
            with translated(f"commit {commit}"):
                item.update(ending, condition=ReportHeadItem.owner == owner)
        except Conflict:
            return  # the lease expired and another process has taken it: its report follows this one

    def status_sent(self, repository_id: str, commit: str, status: CommitStatus) -> None:
        item = ReportSentItem(
            commit_key(repository_id, commit),
            ReportSentItem.PREFIX + status.context,
            digest=status.digest,
            expires_at=_expiry(),
        )
        with translated(f"commit {commit}"):
            item.save()

    def check_sent(self, repository_id: str, commit: str, check: CommitCheck, sent: SentCheck) -> None:
        item = ReportSentItem(
            commit_key(repository_id, commit),
            ReportSentItem.PREFIX + check.status.context,
            digest=check.digest,
            check_id=sent.check_id,
            run_id=sent.run_id,
            annotations=sent.annotations or None,
            expires_at=_expiry(),
        )
        with translated(f"commit {commit}"):
            item.save()

    def send_again(self, repository_id: str, commit: str, context: str) -> None:
        item = ReportSentItem(commit_key(repository_id, commit), ReportSentItem.PREFIX + context)
        with suppress(Conflict), translated(f"commit {commit}"):  # what was never sent is sent anyway
            item.update([ReportSentItem.digest.set(_NOT_SENT)], condition=ReportSentItem.pk.exists())

    def sent_comment(self, repository_id: str, number: int) -> SentComment:
        try:
            with translated(f"pull request {number}"):
                item = ReportCommentItem.get(
                    pull_request_key(repository_id, number), ReportCommentItem.SK, consistent_read=True
                )
        except DoesNotExist:
            return SentComment()
        return SentComment(comment_id=item.comment_id, digest=item.digest or "", newest_run=item.newest_run or "")

    def claim_comment(self, repository_id: str, number: int, newest_run: str) -> bool:
        item = ReportCommentItem(pull_request_key(repository_id, number), ReportCommentItem.SK)
        newest = ReportCommentItem.newest_run
        try:
            with translated(f"pull request {number}"):
                item.update(
                    [newest.set(newest_run), ReportCommentItem.expires_at.set(_expiry())],
                    condition=newest.does_not_exist() | (newest <= newest_run),
                )
        except Conflict:
            return False
        return True

    def comment_sent(self, repository_id: str, comment: PullRequestComment, comment_id: str) -> None:
        item = ReportCommentItem(pull_request_key(repository_id, comment.number), ReportCommentItem.SK)
        with translated(f"pull request {comment.number}"):
            item.update([ReportCommentItem.comment_id.set(comment_id), ReportCommentItem.digest.set(comment.digest)])

    def problem(self, repository_id: str) -> str | None:
        try:
            with translated("repository"):
                return ReportProblemItem.get(RepositoryItem.PREFIX + repository_id, ReportProblemItem.SK).problem
        except DoesNotExist:
            return None

    def set_problem(self, repository_id: str, problem: str | None) -> None:
        item = ReportProblemItem(RepositoryItem.PREFIX + repository_id, ReportProblemItem.SK)
        with translated("repository"):
            if problem is None:
                item.delete()
            else:
                item.problem, item.expires_at = problem, _expiry()
                item.save()


def _expiry() -> datetime:
    return datetime.now(UTC) + _KEPT
