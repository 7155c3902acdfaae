"""Alerts and their rules, silences, and trying rules: with a test message, or on past events."""

from datetime import timedelta

from api.endpoint import Call, Endpoints, Reply
from api.line_access import is_on_lines, reads_lines, require_lines
from api.routes.alerts.alert_shapes import (
    AlertList,
    AlertQuery,
    AlertView,
    DryRunBody,
    DryRunView,
    FiredView,
    ProjectQuery,
    RuleBody,
    RuleList,
    RuleView,
    SilenceBody,
    SilenceList,
    SilenceView,
    TestView,
)
from api.routes.alerts.alerting_access import author, check_name, check_project, visible_projects
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.alerts.lifecycle import Alert
from cadence.domain.alerts.rule import Rule

endpoints = Endpoints("alerts")

_MOST_SHOWN = 200
# The name of a dry run's rule; no stored rule can have it.
_TRIED = "dry-run"


@endpoints.add(
    "GET",
    "/v1/alerts",
    Permission.ALERTS_READ,
    answers={200: AlertList},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def list_alerts(call: Call, services: Services, query: AlertQuery) -> AlertList:
    """Lists open alerts, then closed ones, the newest first."""
    alerts = [
        alert
        for rule in _rules(call, services, query.project)
        for alert in services.alerting.alerts.list_alerts(*rule.key)
        if query.state is None or alert.open == (query.state == "open")
    ]
    alerts.sort(key=lambda alert: (alert.open, alert.opened_at or services.clock()), reverse=True)
    return AlertList(items=[_alert_view(call, alert) for alert in alerts[: query.limit]])


@endpoints.add("GET", "/v1/alerts/rules", Permission.ALERTS_READ, answers={200: RuleList}, errors=(404, 422))
def list_alert_rules(call: Call, services: Services, query: ProjectQuery) -> RuleList:
    """Lists the alert rules of the projects that the token may read."""
    return RuleList(items=[_rule_view(services, rule) for rule in _rules(call, services, query.project)])


@endpoints.add("GET", "/v1/alerts/rules/{scope}/{rule}", Permission.ALERTS_READ, answers={200: RuleView}, errors=(404,))
def show_alert_rule(call: Call, services: Services, scope: str, rule: str) -> RuleView:
    """Shows one alert rule. `scope` is a project, or `*` for the organization."""
    return _rule_view(services, _rule(call, services, scope, rule))


@endpoints.add(
    "PUT",
    "/v1/alerts/rules/{scope}/{rule}",
    Permission.ALERTS_WRITE,
    answers={200: RuleView, 201: RuleView},
    errors=(404, 409, 413, 415, 422),
)
def put_alert_rule(call: Call, services: Services, scope: str, rule: str, body: RuleBody) -> Reply:
    """Creates or replaces an alert rule. It applies within some seconds, to what happens from then on."""
    check_project(call, services, scope)
    check_name("alert rule", rule)
    if is_on_lines(body.rule):
        require_lines(call, (scope,), "A rule on log lines")
    manage = services.alerting.manage_rules
    stored, is_new = manage.put(call.by.organization, scope, rule, body.rule, author(call))
    return Reply(_rule_view(services, stored), 201 if is_new else 200)


@endpoints.add("DELETE", "/v1/alerts/rules/{scope}/{rule}", Permission.ALERTS_WRITE, answers={204: None}, errors=(404,))
def delete_alert_rule(call: Call, services: Services, scope: str, rule: str) -> Reply:
    """Deletes an alert rule with its alerts."""
    check_project(call, services, scope)
    services.alerting.manage_rules.delete(call.by.organization, scope, rule)
    return Reply(None)


@endpoints.add(
    "POST", "/v1/alerts/rules/{scope}/{rule}/test", Permission.ALERTS_WRITE, answers={202: TestView}, errors=(404,)
)
def test_alert_rule(call: Call, services: Services, scope: str, rule: str) -> TestView:
    """Sends a test message to the rule's channels."""
    message_id, keys = services.alerting.manage_rules.test(_rule(call, services, scope, rule))
    return TestView(message_id=message_id, channels=[name for _, _, name in keys])


@endpoints.add(
    "POST",
    "/v1/alerts/dry-runs",
    Permission.ALERTS_READ,
    answers={200: DryRunView},
    errors=(404, 413, 415, 422),
    at="project",
    changes_nothing=True,
)
def try_alert_rule(call: Call, services: Services, body: DryRunBody) -> DryRunView:
    """Shows when a rule would have fired in the past. Nothing is stored or sent."""
    check_project(call, services, body.project)
    if is_on_lines(body.rule):
        require_lines(call, (body.project,), "A rule on log lines")
    alerting, organization = services.alerting, call.by.organization
    rule = alerting.manage_rules.check(organization, body.project, _TRIED, body.rule, needs_channels=False)
    until = services.clock()
    projects = services.visible.projects(call.by, None if body.project == "*" else body.project)
    tried, past = alerting.try_on_past.rehearse(rule, projects, until - timedelta(seconds=body.since), until)
    return DryRunView(
        fired=len(tried.fired),
        alerts=[FiredView.of(fired) for fired in tried.fired[-_MOST_SHOWN:]],
        messages={str(kind): count for kind, count in tried.messages.items()},
        since=past.since,
        until=until,
        complete=past.complete,
        runs=past.looked_at,
        events=tried.events,
    )


@endpoints.add("GET", "/v1/alerts/silences", Permission.ALERTS_READ, answers={200: SilenceList}, errors=(404, 422))
def list_silences(call: Call, services: Services, query: ProjectQuery) -> SilenceList:
    """Lists silences that are not over."""
    sees = visible_projects(call, services, query.project)
    now = services.clock()
    stored = services.alerting.silences.list_silences(call.by.organization)
    silences = [each for each in stored if sees(each.project) and each.ends_at > now]
    names = services.people.names_for(call.by, (each.created_by for each in silences))
    return SilenceList(items=[SilenceView.of(each, names) for each in silences])


@endpoints.add(
    "POST",
    "/v1/alerts/silences",
    Permission.ALERTS_WRITE,
    answers={201: SilenceView},
    errors=(404, 413, 415, 422),
    at="project",
)
def add_silence(call: Call, services: Services, body: SilenceBody) -> SilenceView:
    """Silences alerts for a while: they are kept, and sent afterwards if they are still open."""
    check_project(call, services, body.project)
    where = {str(label): pattern for label, pattern in body.where.items()}
    silence = services.alerting.manage_silences.add(
        call.by.organization, body.project, where, body.starts_at, body.ends_at, body.comment, author(call)
    )
    return SilenceView.of(silence, services.people.names_for(call.by, [silence.created_by]))


@endpoints.add(
    "DELETE", "/v1/alerts/silences/{scope}/{silence}", Permission.ALERTS_WRITE, answers={204: None}, errors=(404,)
)
def delete_silence(call: Call, services: Services, scope: str, silence: str) -> Reply:
    """Ends a silence."""
    check_project(call, services, scope)
    services.alerting.silences.delete_silence(call.by.organization, scope, silence)
    return Reply(None)


def _rules(call: Call, services: Services, project: str | None) -> list[Rule]:
    sees = visible_projects(call, services, project)
    return [rule for rule in services.alerting.rules.list_rules(call.by.organization) if sees(rule.project)]


def _rule(call: Call, services: Services, scope: str, name: str) -> Rule:
    check_project(call, services, scope)
    return services.alerting.rules.get_rule(call.by.organization, scope, name)


def _rule_view(services: Services, rule: Rule) -> RuleView:
    return RuleView.of(rule, sum(alert.open for alert in services.alerting.alerts.list_alerts(*rule.key)))


def _alert_view(call: Call, alert: Alert) -> AlertView:
    """Returns an alert, without the line that it shows if the caller may not read the lines of its project."""
    view = AlertView.of(alert)
    is_line = view.sample is not None and view.sample.segment is not None
    return view.model_copy(update={"sample": None}) if is_line and not reads_lines(call, alert.project) else view
