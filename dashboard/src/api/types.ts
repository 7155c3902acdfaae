// Generated from docs/openapi.json by `npm run types`: change the routes, not this file.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** AcceptBody */
        AcceptBody: {
            /** Code */
            code: string;
            /** Name */
            name: string;
        };
        /** AcceptForTeamBody */
        AcceptForTeamBody: {
            /** Code */
            code: string;
        };
        /** AcceptedView */
        AcceptedView: {
            /** Organization */
            organization: string;
            member: components["schemas"]["MemberView"];
            /**
             * Token
             * @description A token of the new member, for 30 days. It cannot be read again.
             */
            token: string;
        };
        /** AccessTokenBody */
        AccessTokenBody: {
            /**
             * Access Token
             * @description Null removes the token.
             */
            access_token: string | null;
        };
        /**
         * ActiveRunnerView
         * @description `run_id`, `treatment` and `attempt` are the work that it was started for.
         */
        ActiveRunnerView: {
            /** Runner Id */
            runner_id: string;
            /** Attempt */
            attempt: number;
            /** State */
            state: string;
            /** Pool */
            pool: string;
            /** Provider */
            provider: string;
            /** Host Id */
            host_id: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Booting At */
            booting_at: string | null;
            /** Claimed At */
            claimed_at: string | null;
            /**
             * Phase
             * @description What it was last doing: booting, pulling, reading, running, uploading…
             */
            phase: string | null;
            /**
             * Boot Phases
             * @description Its machine's report of its boot: seconds until each phase.
             */
            boot_phases: {
                [key: string]: number;
            };
            /**
             * Offer
             * @description What its infrastructure sold it as, once that is known.
             */
            offer: string | null;
            /**
             * Per Hour
             * @description What an hour of it costs; null if no price is known.
             */
            per_hour: number | null;
            /** Currency */
            currency: string | null;
            /**
             * Facts
             * @description The runner's report of itself: system, architecture, tools.
             */
            facts: {
                [key: string]: unknown;
            };
            /**
             * Image Digest
             * @description Of the image that the command ran in, once it has ended.
             */
            image_digest: string | null;
            /** Run Id */
            run_id: string;
            /** Treatment */
            treatment: string;
            /** Project */
            project: string;
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /**
             * Cost
             * @description Until its end, or so far; null if no price is known, or its end was not reported.
             */
            cost: number | null;
            /**
             * Held Until
             * @description Until when its machine is kept after a failure.
             */
            held_until: string | null;
        };
        /** AlertList */
        AlertList: {
            /** Items */
            items: components["schemas"]["AlertView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * AlertView
         * @description One group of a rule whose condition is, or was, met. `number` counts the times.
         */
        AlertView: {
            /**
             * Project
             * @description Of the rule; * for a rule of the whole organization.
             */
            project: string;
            /** Rule */
            rule: string;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /**
             * State
             * @enum {string}
             */
            state: "open" | "closed";
            /** Number */
            number: number;
            /** Opened At */
            opened_at: string | null;
            /** Closed At */
            closed_at: string | null;
            /** Count */
            count: number;
            /**
             * Messages
             * @description How many messages were made, this time, that it is there.
             */
            messages: number;
            /** Silenced Until */
            silenced_until: string | null;
            sample: components["schemas"]["OccurrenceSampleView"] | null;
        };
        /**
         * AnyObject
         * @description A JSON object whose shape is described elsewhere.
         */
        AnyObject: {
            [key: string]: unknown;
        };
        /**
         * ApprovalView
         * @description What the environment required when the treatment was about to be placed.
         */
        ApprovalView: {
            /** Environment */
            environment: string;
            /** Required */
            required: number;
            /** Approvers */
            approvers: string[] | null;
            /**
             * Asked At
             * Format: date-time
             */
            asked_at: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
            /** Decisions */
            decisions: components["schemas"]["DecisionView"][];
        };
        /**
         * ApprovalsBody
         * @description `approvers` may approve if they have `runs:approve` (null: everyone who has it); `timeout` is in seconds.
         *
         *     An approver is `member:ID`, the e-mail address of a member, `team:NAME`, `service-account:NAME`, or the name of a
         *     token that acts for none of these.
         */
        ApprovalsBody: {
            /**
             * Required
             * @default 1
             */
            required: number;
            /**
             * Timeout
             * @default 86400
             */
            timeout: number;
            /**
             * Approvers
             * @default null
             */
            approvers: string[] | null;
            /**
             * Not By Starter
             * @default false
             */
            not_by_starter: boolean;
        };
        /** ApprovalsView */
        ApprovalsView: {
            /** Required */
            required: number;
            /** Timeout */
            timeout: number;
            /**
             * Approvers
             * @description `member:ID`, `team:NAME`, …, or names of tokens; null: everyone.
             */
            approvers: string[] | null;
            /** Not By Starter */
            not_by_starter: boolean;
        };
        /** AttemptTestsView */
        AttemptTestsView: {
            /** Attempt */
            attempt: number;
            /**
             * Problem
             * @description What could not be read of its report; null if nothing is missing.
             */
            problem: string | null;
            counts: components["schemas"]["CaseCountsView"];
        };
        /**
         * AttemptView
         * @description One attempt and its runner.
         */
        AttemptView: {
            /** Runner Id */
            runner_id: string;
            /** Attempt */
            attempt: number;
            /** State */
            state: string;
            /** Pool */
            pool: string;
            /** Provider */
            provider: string;
            /** Host Id */
            host_id: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Booting At */
            booting_at: string | null;
            /** Claimed At */
            claimed_at: string | null;
            /**
             * Phase
             * @description What it was last doing: booting, pulling, reading, running, uploading…
             */
            phase: string | null;
            /**
             * Boot Phases
             * @description Its machine's report of its boot: seconds until each phase.
             */
            boot_phases: {
                [key: string]: number;
            };
            /**
             * Offer
             * @description What its infrastructure sold it as, once that is known.
             */
            offer: string | null;
            /**
             * Per Hour
             * @description What an hour of it costs; null if no price is known.
             */
            per_hour: number | null;
            /** Currency */
            currency: string | null;
            /**
             * Facts
             * @description The runner's report of itself: system, architecture, tools.
             */
            facts: {
                [key: string]: unknown;
            };
            /**
             * Image Digest
             * @description Of the image that the command ran in, once it has ended.
             */
            image_digest: string | null;
            /** Exit Code */
            exit_code: number | null;
            /** Signal */
            signal: string | null;
            /**
             * Error
             * @description The agent's report of the end.
             */
            error: string | null;
            /** Finished At */
            finished_at: string | null;
            /**
             * Console
             * @description What its machine printed, if it never called home.
             */
            console: string | null;
            /**
             * Held Until
             * @description Until when its machine is kept after its failure.
             */
            held_until: string | null;
            /** Usage */
            usage: {
                [key: string]: number;
            };
            times: components["schemas"]["TimesView"];
            /**
             * Lines Left Out
             * @description Lines of its log that were not kept because of a log quota.
             */
            lines_left_out: number;
        };
        /** AuditPage */
        AuditPage: {
            /**
             * Items
             * @description Newest first, of the projects that the token sees; kept for a year.
             */
            items: components["schemas"]["AuditView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end. A page of a rare filter may be short, or empty.
             */
            next: string | null;
        };
        /**
         * AuditView
         * @description One entry.
         *
         *     `actor` is the id of a member, service account, token or runner, `token` the token's id, `by` the token's name, or
         *     the member's: that is not in the log itself, and empty once the person was erased. `action`
         *     is the name of the operation, `target` the path that it was called with. `outcome` is `accepted` or the code of the
         *     error that refused it; entries of one call have the same `request`. `source` is the address that it came from.
         */
        AuditView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "change" | "sign-in" | "refusal" | "secret" | "value";
            /** Actor */
            actor: string;
            /** Token */
            token: string;
            /** By */
            by: string;
            /** Project */
            project: string;
            /** Action */
            action: string;
            /** Target */
            target: string;
            /** Outcome */
            outcome: string;
            /** Request */
            request: string;
            /** Source */
            source: string;
        };
        /**
         * BackfillBody
         * @description The range, as RFC 3339 with a time zone; `until` is now by default.
         *
         *     Lines and spans are sent, those of the newest runs first; metrics, only if they are named, with the times at which
         *     counts had reached them, minute by minute, the oldest first.
         */
        BackfillBody: {
            /** Since */
            since: string;
            /**
             * Until
             * @default null
             */
            until: string | null;
            /**
             * Signals
             * @default null
             */
            signals: ("logs" | "metrics" | "traces")[] | null;
        };
        /** BackfillList */
        BackfillList: {
            /** Items */
            items: components["schemas"]["BackfillView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * BackfillView
         * @description `runs`, `lines`, `spans` and `points` (times for which metrics were sent) count what was sent so far.
         */
        BackfillView: {
            /** Backfill Id */
            backfill_id: string;
            /** State */
            state: string;
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /**
             * Until
             * Format: date-time
             */
            until: string;
            /** Signals */
            signals: string[];
            /** Runs */
            runs: number;
            /** Lines */
            lines: number;
            /** Spans */
            spans: number;
            /** Points */
            points: number;
            /** Error */
            error: string | null;
            /**
             * Requested At
             * Format: date-time
             */
            requested_at: string;
            /** Finished At */
            finished_at: string | null;
        };
        /** BadgeView */
        BadgeView: {
            /**
             * Path
             * @description Where the badge is; with its token unless the project's badges are public.
             */
            path: string;
            /** Public */
            public: boolean;
        };
        /** BadgesBody */
        BadgesBody: {
            /**
             * Public
             * @description Whether everybody may see the badges of the project.
             */
            public: boolean;
            /**
             * Revoke Tokens
             * @description Makes the tokens of all badges of the project invalid.
             * @default false
             */
            revoke_tokens: boolean;
        };
        /** BadgesView */
        BadgesView: {
            /** Public */
            public: boolean;
        };
        /** BranchTestsView */
        BranchTestsView: {
            counts: components["schemas"]["CaseCountsView"];
            /**
             * Treatments
             * @description The newest results of each treatment on the branch.
             */
            treatments: components["schemas"]["BranchTreatmentView"][];
            /**
             * Flaky
             * @description The flaky tests of the pipeline, on any branch; at most 1,000.
             */
            flaky: components["schemas"]["FlakyCaseView"][];
        };
        /** BranchTreatmentView */
        BranchTreatmentView: {
            /** Treatment */
            treatment: string;
            /** Run Id */
            run_id: string;
            /** Attempt */
            attempt: number;
            counts: components["schemas"]["CaseCountsView"];
            /**
             * At
             * Format: date-time
             */
            at: string;
        };
        /**
         * CacheAbout
         * @description An entry of the project's caches. `run_id` and `treatment` saved it, if that is known.
         */
        CacheAbout: {
            /** Key */
            key: string;
            /** Size */
            size: number;
            /** Sha256 */
            sha256: string;
            /**
             * Saved At
             * Format: date-time
             */
            saved_at: string;
            /** Run Id */
            run_id: string | null;
            /** Treatment */
            treatment: string | null;
        };
        /** CaseCountsView */
        CaseCountsView: {
            /** Total */
            total: number;
            /** Passed */
            passed: number;
            /** Failed */
            failed: number;
            /**
             * Errors
             * @description Tests that broke, rather than found something wrong.
             */
            errors: number;
            /** Skipped */
            skipped: number;
            /**
             * New
             * @description Failures that are not on the base, and neither flaky nor in quarantine.
             */
            new: number;
            /**
             * Known Flaky
             * @description Failures of tests that are known to change their outcome by themselves.
             */
            known_flaky: number;
            /**
             * Quarantined
             * @description Failures that do not fail the treatment.
             */
            quarantined: number;
            /** Seconds */
            seconds: number;
        };
        /** CaseNameView */
        CaseNameView: {
            /** Name */
            name: string;
            /** File */
            file: string | null;
            /** Line */
            line: number | null;
        };
        /** CaseView */
        CaseView: {
            /** Treatment */
            treatment: string;
            /** Name */
            name: string;
            /** Outcome */
            outcome: string;
            /** Seconds */
            seconds: number;
            /** File */
            file: string | null;
            /** Line */
            line: number | null;
            /**
             * Message
             * @description Null without the permission logs:read.
             */
            message: string | null;
            /**
             * New
             * @description Null if there is nothing to compare with.
             */
            new: boolean | null;
            /** Flaky */
            flaky: boolean;
            /** Quarantined */
            quarantined: boolean;
        };
        /**
         * ChainHeadView
         * @description The number and digest of the last record; 0 and zeros if there is none yet.
         */
        ChainHeadView: {
            /** Sequence */
            sequence: number;
            /** Digest */
            digest: string;
        };
        /** ChainPage */
        ChainPage: {
            /**
             * Items
             * @description In the order of the chain; kept for a year.
             */
            items: components["schemas"]["ChainRecordView"][];
            head: components["schemas"]["ChainHeadView"];
            /**
             * Next
             * @description The number after which the next page begins, null at the end.
             */
            next: string | null;
        };
        /**
         * ChainRecordView
         * @description A chained record: `previous` is the `digest` of the record before it.
         *
         *     `digest` is the SHA-256 of all other members as JSON with sorted keys, without blanks, in UTF-8.
         */
        ChainRecordView: {
            /** Organization */
            organization: string;
            /** Sequence */
            sequence: number;
            /** Previous */
            previous: string;
            /** Digest */
            digest: string;
            /** Id */
            id: string;
            /** At */
            at: string;
            /** Kind */
            kind: string;
            /** Actor */
            actor: string;
            /** Token */
            token: string;
            /** By */
            by: string;
            /** Action */
            action: string;
            /** Target */
            target: string;
            /** Project */
            project: string;
            /** Outcome */
            outcome: string;
            /** Request */
            request: string;
            /** Source */
            source: string;
        };
        /**
         * ChangeView
         * @description From `at` on, `attempt` was in `state`.
         */
        ChangeView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Attempt */
            attempt: number;
            /** State */
            state: string;
            /** Note */
            note: string;
        };
        /**
         * ChangedFactView
         * @description A fact of the two runs that differs; null where a run has none.
         */
        ChangedFactView: {
            /**
             * Name
             * @description `pipeline`, `version`, `document`, `commit`, `branch`, or an environment variable.
             */
            name: string;
            /** Then */
            then: string | null;
            /** Now */
            now: string | null;
        };
        /**
         * ChannelBody
         * @description `secret` is never shown: the webhook's address for slack and teams, the integration key for pagerduty, the
         *     password for email, the signing key for webhook (generated if there is none). Without it, the stored one stays.
         */
        ChannelBody: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "sns" | "email" | "slack" | "teams" | "pagerduty" | "webhook";
            /** Settings */
            settings?: {
                [key: string]: unknown;
            };
            /**
             * Secret
             * @default null
             */
            secret: string | null;
        };
        /** ChannelList */
        ChannelList: {
            /** Items */
            items: components["schemas"]["ChannelView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** ChannelView */
        ChannelView: {
            /** Project */
            project: string;
            /** Name */
            name: string;
            /** Kind */
            kind: string;
            /** Settings */
            settings: {
                [key: string]: unknown;
            };
            /**
             * State
             * @enum {string}
             */
            state: "new" | "ok" | "failing";
            /**
             * Waiting
             * @description Messages that wait to be delivered; 1,000 stands for that many or more.
             */
            waiting: number;
            /**
             * Dead Letters
             * @description Messages that the channel refused for good.
             */
            dead_letters: number;
            /** Last Error */
            last_error: string | null;
            /** Failing Since */
            failing_since: string | null;
            /** Retry At */
            retry_at: string | null;
            /** Delivered At */
            delivered_at: string | null;
            /**
             * Topic
             * @description Of a channel of kind sns: the ARN of its topic, which is made when it is first used.
             */
            topic: string | null;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** Updated By */
            updated_by: string;
        };
        /** ChannelWithSecretView */
        ChannelWithSecretView: {
            /** Project */
            project: string;
            /** Name */
            name: string;
            /** Kind */
            kind: string;
            /** Settings */
            settings: {
                [key: string]: unknown;
            };
            /**
             * State
             * @enum {string}
             */
            state: "new" | "ok" | "failing";
            /**
             * Waiting
             * @description Messages that wait to be delivered; 1,000 stands for that many or more.
             */
            waiting: number;
            /**
             * Dead Letters
             * @description Messages that the channel refused for good.
             */
            dead_letters: number;
            /** Last Error */
            last_error: string | null;
            /** Failing Since */
            failing_since: string | null;
            /** Retry At */
            retry_at: string | null;
            /** Delivered At */
            delivered_at: string | null;
            /**
             * Topic
             * @description Of a channel of kind sns: the ARN of its topic, which is made when it is first used.
             */
            topic: string | null;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** Updated By */
            updated_by: string;
            /**
             * Secret
             * @description The signing key, if it was made up here. It cannot be read again.
             */
            secret: string | null;
        };
        /**
         * CheckView
         * @description `missing` is null where nothing is missing.
         */
        CheckView: {
            /** What */
            what: string;
            /** Missing */
            missing: string | null;
            /** Hint */
            hint: string | null;
        };
        /** CheckedView */
        CheckedView: {
            /** Valid */
            valid: boolean;
            /** Name */
            name: string | null;
            /** Findings */
            findings: components["schemas"]["FindingView"][];
            /**
             * Secrets
             * @description What the names of secrets mean; empty without the permission secrets:read at the project.
             */
            secrets: components["schemas"]["NamedSecretView"][];
        };
        /** ChunkView */
        ChunkView: {
            /** Seq */
            seq: number;
            /** Url */
            url: string;
        };
        /**
         * ComparisonView
         * @description `verdict` is `pending`, `deterministic`, `equivalent`, `differs` or `inconclusive`.
         *
         *     `first` states what differs first and where, or why that is not known.
         */
        ComparisonView: {
            /** Treatment */
            treatment: string;
            /** Verdict */
            verdict: string;
            /** First */
            first: string | null;
            original: components["schemas"]["ExecutionView"];
            replay: components["schemas"]["ExecutionView"];
            /** Outputs */
            outputs: components["schemas"]["OutputView"][];
            /**
             * Depends On
             * @description Beside its inputs, as far as the evidence shows. Likely ones first.
             */
            depends_on: components["schemas"]["GuessView"][];
            /**
             * Considered
             * @description The other replays that this goes by.
             */
            considered: string[];
        };
        /**
         * ConsideredView
         * @description A pool, and what speaks for or against it.
         */
        ConsideredView: {
            /** Pool */
            pool: string;
            /** Fits */
            fits: boolean;
            /** Reason */
            reason: string;
        };
        /**
         * ContentView
         * @description A piece of the content of a port. `next` is the offset to continue at, null at the end of the content.
         */
        ContentView: {
            /** Treatment */
            treatment: string;
            /** Port */
            port: string;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /** Attempt */
            attempt: number;
            /** Offset */
            offset: number;
            /** Content Base64 */
            content_base64: string;
            shown: components["schemas"]["PreviewView"];
            /**
             * Size
             * @description Of all of it, until now if it has not ended.
             */
            size: number;
            /** Ended */
            ended: boolean;
            /** Sha256 */
            sha256: string | null;
            /**
             * Failed
             * @description Whether it was kept of an attempt that failed, and feeds no other treatment.
             */
            failed: boolean;
            /** Next */
            next: number | null;
        };
        /** CountView */
        CountView: {
            /**
             * Field
             * @description The field that it is counted by; null if not counted by a field.
             */
            field: string | null;
            /**
             * Start
             * @description The beginning of the interval; null if not counted by time.
             */
            start: string | null;
            /**
             * Value
             * @description The field's value; null if not counted by a field.
             */
            value: string | null;
            /** Lines */
            lines: number;
        };
        /** CountsView */
        CountsView: {
            /**
             * Counts
             * @description Without zeros; of each interval the 100 values with the most lines, these first.
             */
            counts: components["schemas"]["CountView"][];
            /**
             * Complete
             * @description False: there was more to look at than one request allows, and each count is a lower bound.
             */
            complete: boolean;
        };
        /**
         * CredentialsBody
         * @description `basic`: user and secret; `bearer`: a token; `api_key`: Datadog's. Stored encrypted, and never shown again.
         */
        CredentialsBody: {
            /**
             * Scheme
             * @enum {string}
             */
            scheme: "basic" | "bearer" | "api_key";
            /**
             * User
             * @default
             */
            user: string;
            /**
             * Secret
             * Format: password
             */
            secret: string;
        };
        /**
         * DataCountsView
         * @description What a deletion would remove, by kind (`runs`, `secrets`, `objects`, `bytes`, …).
         */
        DataCountsView: {
            /** Project */
            project: string;
            /** Counts */
            counts: {
                [key: string]: number;
            };
            /**
             * Complete
             * @description False if there was no time to count everything: there is at least as much.
             */
            complete: boolean;
        };
        /**
         * DataReadView
         * @description An entry of the audit log: someone read a value, or its beginning, or log lines; once an hour for each.
         *
         *     Of what shows lines of many runs (searches, live feeds, alerts, dead letters), it is not recorded whether it showed
         *     lines of this one.
         */
        DataReadView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Actor */
            actor: string;
            /**
             * By
             * @description The token's name, or the member's; empty once the person was erased.
             */
            by: string;
            /** Action */
            action: string;
            /** Target */
            target: string;
            /** Outcome */
            outcome: string;
            /** Source */
            source: string;
        };
        /** DeadLetterContentView */
        DeadLetterContentView: {
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Project */
            project: string;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** What */
            what: string;
            /** Cause */
            cause: string;
            /**
             * Content
             * @description The first 64 KiB: the lines of a segment, the bytes of a record, JSON for other kinds.
             */
            content: string;
            /**
             * Encoding
             * @enum {string}
             */
            encoding: "utf-8" | "base64";
        };
        /** DeadLetterList */
        DeadLetterList: {
            /**
             * Items
             * @description Dead letters, oldest first, at most 1,000 of each kind.
             */
            items: components["schemas"]["DeadLetterView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * DeadLetterView
         * @description `project` is `*` for a dead letter of the organization; `cause` states why it could not be processed.
         */
        DeadLetterView: {
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Project */
            project: string;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** What */
            what: string;
            /** Cause */
            cause: string;
        };
        /** DecisionBody */
        DecisionBody: {
            /**
             * Decision
             * @enum {string}
             */
            decision: "approve" | "refuse";
            /**
             * Comment
             * @default
             */
            comment: string;
        };
        /** DecisionView */
        DecisionView: {
            /** Treatment */
            treatment: string;
            /** Decision */
            decision: string;
            /** By */
            by: string;
            /**
             * By Name
             * @description The name of the member that `by` is; empty if it is none, or has no name here.
             */
            by_name: string;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Comment */
            comment: string;
        };
        /**
         * DiagnosisView
         * @description Why an attempt ended as it did.
         */
        DiagnosisView: {
            /** Attempt */
            attempt: number;
            /** State */
            state: string;
            /** Cause */
            cause: string | null;
            /**
             * Explanations
             * @description What that means, in plain words.
             */
            explanations: string[];
            /**
             * Stack Traces
             * @description In the order of their lines.
             */
            stack_traces: components["schemas"]["StackTraceView"][];
            /**
             * Errors
             * @description Lines that state an error and belong to no stack trace.
             */
            errors: components["schemas"]["LogLineView"][];
            /** Last Lines */
            last_lines: components["schemas"]["LogLineView"][];
            /**
             * Complete
             * @description False if the attempt has more lines than were read.
             */
            complete: boolean;
        };
        /**
         * DiffContentView
         * @description Where the first content that differs does so; only with `values:read` in both runs.
         */
        DiffContentView: {
            /** Port */
            port: string;
            first_difference: components["schemas"]["PlaceView"] | null;
            /**
             * Note
             * @description Why no place is given.
             */
            note: string | null;
            /** @description Where both contents are trees of files. */
            files: components["schemas"]["FilesDiffView"] | null;
        };
        /**
         * DiffRunnerView
         * @description Where the first treatment that differs ran.
         */
        DiffRunnerView: {
            /** Pool */
            pool: string;
            /** Host */
            host: string | null;
            /** Image Digest */
            image_digest: string | null;
        };
        /**
         * DiffSideView
         * @description A treatment in one of the two runs.
         */
        DiffSideView: {
            /** State */
            state: string;
            /** Attempt */
            attempt: number;
            /** Exit Code */
            exit_code: number | null;
            /** Cause */
            cause: string | null;
            /** Kept From */
            kept_from: string | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /**
             * Seconds
             * @description How long it ran; null until it has ended.
             */
            seconds: number | null;
        };
        /** DigestView */
        DigestView: {
            /**
             * Sha256
             * @description Null where a pool lets no digest stay.
             */
            sha256: string | null;
            /** Size */
            size: number;
        };
        /**
         * DirectoryBody
         * @description An LDAP server, which is asked over TLS only.
         */
        DirectoryBody: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "ldap" | "active-directory";
            /**
             * Url
             * @description `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]`, which is encrypted with StartTLS.
             */
            url: string;
            /**
             * Bind Dn
             * @description The account that reads the directory.
             */
            bind_dn: string;
            /** Bind Password */
            bind_password: string;
            /**
             * User Base
             * @description Everyone below it who matches the filter may sign in.
             */
            user_base: string;
            /** Group Base */
            group_base: string;
            /**
             * User Filter
             * @description In place of the usual one for people.
             * @default
             */
            user_filter: string;
            /**
             * Ca
             * @description PEM text of the authorities that sign the server's certificate; null: public ones.
             * @default null
             */
            ca: string | null;
        };
        /** DirectoryList */
        DirectoryList: {
            /** Items */
            items: components["schemas"]["DirectoryView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * DirectoryView
         * @description A directory, without the password of its account.
         */
        DirectoryView: {
            /** Name */
            name: string;
            /** Kind */
            kind: string;
            /** Url */
            url: string;
            /** Bind Dn */
            bind_dn: string;
            /** User Base */
            user_base: string;
            /** Group Base */
            group_base: string;
            /** User Filter */
            user_filter: string;
            /** Ca */
            ca: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Synced At
             * @description When its members were last looked up.
             */
            synced_at: string | null;
            /**
             * Problem
             * @description Why that has failed since; empty if it has not.
             */
            problem: string;
        };
        /** DisconnectedView */
        DisconnectedView: {
            /**
             * Webhook Remains
             * @description Why the webhook may remain on the code host; null if it does not.
             */
            webhook_remains: string | null;
        };
        /**
         * DiscoveryView
         * @description OpenID Connect discovery 1.0, as far as identity tokens of treatments need it.
         */
        DiscoveryView: {
            /** Issuer */
            issuer: string;
            /** Jwks Uri */
            jwks_uri: string;
            /** Response Types Supported */
            response_types_supported: string[];
            /** Subject Types Supported */
            subject_types_supported: string[];
            /** Id Token Signing Alg Values Supported */
            id_token_signing_alg_values_supported: string[];
            /** Claims Supported */
            claims_supported: string[];
        };
        /**
         * DocumentBody
         * @description A pipeline document: its text (YAML or JSON), or the document itself as a JSON object.
         */
        DocumentBody: {
            /** Document */
            document: string | {
                [key: string]: unknown;
            };
            /**
             * Programs
             * @description Programs that are no stored ones, by what the document calls them.
             */
            programs?: {
                [key: string]: components["schemas"]["ProgramBody"];
            };
            /**
             * Path
             * @description The document's own path from the root of its repository, if it uses definitions of other files there.
             * @default null
             */
            path: string | null;
            /**
             * Libraries
             * @description The other files of its repository whose definitions it uses: their texts, by their paths from the root.
             */
            libraries?: {
                [key: string]: string;
            };
        };
        /**
         * DownloadView
         * @description The bytes are the chunks in order.
         *
         *     `content_base64` holds them if they are few; chunks' addresses expire after some minutes. With `offset` or `length`,
         *     `content_base64` holds that piece, and `shown` shows it.
         */
        DownloadView: {
            /** Sha256 */
            sha256: string;
            /** Size */
            size: number;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /** Treatment */
            treatment: string;
            /** Port */
            port: string;
            /** Offset */
            offset: number;
            /** Content Base64 */
            content_base64: string | null;
            shown: components["schemas"]["PreviewView"] | null;
            /** Chunks */
            chunks: components["schemas"]["ChunkView"][];
            /**
             * Next Chunk
             * @description `first_chunk` of the next page, null at the end.
             */
            next_chunk: number | null;
        };
        /**
         * DryRunBody
         * @description `since` is how many seconds of the past are evaluated.
         */
        DryRunBody: {
            /** Project */
            project: string;
            /** Rule */
            rule: {
                [key: string]: unknown;
            };
            /**
             * Since
             * @default 604800
             */
            since: number;
        };
        /**
         * DryRunView
         * @description When the rule would have fired. If not `complete`, only what happened after `since` was evaluated.
         */
        DryRunView: {
            /** Fired */
            fired: number;
            /**
             * Alerts
             * @description The newest 200, oldest first.
             */
            alerts: components["schemas"]["FiredView"][];
            /**
             * Messages
             * @description How many messages of each kind each channel would have got.
             */
            messages: {
                [key: string]: number;
            };
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /**
             * Until
             * Format: date-time
             */
            until: string;
            /** Complete */
            complete: boolean;
            /** Runs */
            runs: number;
            /** Events */
            events: number;
        };
        /**
         * DurationDiffView
         * @description Seconds that a treatment ran.
         */
        DurationDiffView: {
            /** Name */
            name: string;
            /** Then */
            then: number;
            /** Now */
            now: number;
        };
        /**
         * EdgeView
         * @description From an output to an input; `target_port` is `after` where there is only an order to keep.
         */
        EdgeView: {
            /** Source */
            source: string;
            /** Source Port */
            source_port: string;
            /** Target */
            target: string;
            /** Target Port */
            target_port: string;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /** Sha256 */
            sha256: string | null;
            /** Size */
            size: number | null;
        };
        /**
         * ElementView
         * @description A treatment of a Mélodium program.
         *
         *     Parameters are JSON texts, so that no digit is lost; the counts are of values, by port.
         */
        ElementView: {
            /**
             * Treatment
             * @description Its name in its package, such as `std/flow::emit`.
             */
            treatment: string;
            /** Track */
            track: number;
            /**
             * Host
             * @description What it is part of, if that is a treatment itself.
             */
            host: string | null;
            /**
             * Designed
             * @description Whether it is made of other treatments.
             */
            designed: boolean;
            /** Generics */
            generics: {
                [key: string]: string;
            };
            /** Parameters */
            parameters: {
                [key: string]: string;
            };
            /** Delivered */
            delivered: {
                [key: string]: number;
            };
            /** Sent */
            sent: {
                [key: string]: number;
            };
            /**
             * Unreported
             * @description Of those sent, the values that the engine did not report: it was not started with `--debug-level detailed`.
             */
            unreported: {
                [key: string]: number;
            };
            /**
             * Unreported Inputs
             * @description The same of the source of each input.
             */
            unreported_inputs: {
                [key: string]: number;
            };
            /**
             * Secrets
             * @description Uses of secrets, as the engine reported them: when, which, how.
             */
            secrets: string[];
        };
        /** EntrypointView */
        EntrypointView: {
            /** Command */
            command: string;
            /**
             * Treatment
             * @description The identifier of what it runs: package/area::name.
             */
            treatment: string;
            /**
             * Unusable
             * @description Why it cannot be run, if it cannot.
             */
            unusable: string | null;
            /** Documentation */
            documentation: string;
            /** Parameters */
            parameters: components["schemas"]["ProgramParameterView"][];
            /** Inputs */
            inputs: components["schemas"]["ProgramPortView"][];
            /** Outputs */
            outputs: components["schemas"]["ProgramPortView"][];
        };
        /**
         * EnvironmentBody
         * @description `secrets` maps a variable to a secret's name.
         *
         *     `branches` are patterns of the branches whose runs may use it (none: all). With `protected_branches`, only runs for
         *     pushes to branches of connected repositories may that the code host protects.
         */
        EnvironmentBody: {
            /** Env */
            env?: {
                [key: string]: string;
            };
            /** Secrets */
            secrets?: {
                [key: string]: string;
            };
            /** @default null */
            approvals: components["schemas"]["ApprovalsBody"] | null;
            /** Branches */
            branches?: string[];
            /**
             * Protected Branches
             * @default false
             */
            protected_branches: boolean;
        };
        /** EnvironmentList */
        EnvironmentList: {
            /** Items */
            items: components["schemas"]["EnvironmentView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** EnvironmentView */
        EnvironmentView: {
            /** Name */
            name: string;
            /** Env */
            env: {
                [key: string]: string;
            };
            /** Secrets */
            secrets: {
                [key: string]: string;
            };
            approvals: components["schemas"]["ApprovalsView"] | null;
            /** Branches */
            branches: string[];
            /** Protected Branches */
            protected_branches: boolean;
        };
        /** EventDeliveryList */
        EventDeliveryList: {
            /** Items */
            items: components["schemas"]["EventDeliveryView"][];
        };
        /** EventDeliveryView */
        EventDeliveryView: {
            /** Id */
            id: string;
            /**
             * Received At
             * Format: date-time
             */
            received_at: string;
            /**
             * Event
             * @description The event's type; empty if the sender does not name one.
             */
            event: string;
            /** Outcome */
            outcome: string;
            /** Runs */
            runs: string[];
        };
        /**
         * ExecutionView
         * @description The original or the replay. `usage` are peaks and totals that the runner measured.
         */
        ExecutionView: {
            /** Run Id */
            run_id: string;
            /** State */
            state: string;
            /** Cause */
            cause: string | null;
            /** Exit Code */
            exit_code: number | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /** Pool */
            pool: string | null;
            /** Host */
            host: string | null;
            /** Image Digest */
            image_digest: string | null;
            /**
             * Offline
             * @description It had no network.
             */
            offline: boolean;
            /** Usage */
            usage: {
                [key: string]: number;
            };
        };
        /** ExplanationView */
        ExplanationView: {
            /**
             * Decision
             * @enum {string}
             */
            decision: "allowed" | "refused";
            /** Reason */
            reason: string;
            /**
             * Grants
             * @description The grant that allows it, or those that come nearest.
             */
            grants: components["schemas"]["RightView"][];
        };
        /**
         * ExportBody
         * @description `signals` are by default all that the kind supports, `projects` all that the token may read.
         *
         *     The address is that of the push API itself for `prometheus_remote_write` and `loki`, the base of `/v1/traces`,
         *     `/v1/metrics` and `/v1/logs` for `otlp`, and for `datadog` the site (`https://datadoghq.eu`) or an agent's address.
         *     `cloudevents` sends the audit log, in batches of CloudEvents: it needs the permission `audit:read` as well.
         */
        ExportBody: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "prometheus_remote_write" | "loki" | "datadog" | "otlp" | "cloudevents";
            /** Url */
            url: string;
            /**
             * Signals
             * @default null
             */
            signals: ("logs" | "metrics" | "traces" | "audit")[] | null;
            /**
             * Projects
             * @default null
             */
            projects: string[] | null;
            /**
             * Labels
             * @description Added to all that is sent.
             */
            labels?: {
                [key: string]: string;
            };
            /**
             * Headers
             * @description Such as X-Scope-OrgID.
             */
            headers?: {
                [key: string]: string;
            };
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * @description Without it, those that it had are kept.
             * @default null
             */
            credentials: components["schemas"]["CredentialsBody"] | null;
        };
        /** ExportCredentialsView */
        ExportCredentialsView: {
            /** Scheme */
            scheme: string;
        };
        /** ExportDeadLetterList */
        ExportDeadLetterList: {
            /** Items */
            items: components["schemas"]["ExportDeadLetterView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * ExportDeadLetterView
         * @description `event` is the id of the event to be sent; without it, the dead letter is a push of metrics.
         */
        ExportDeadLetterView: {
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /** Error */
            error: string | null;
            /** Event */
            event: string | null;
        };
        /** ExportList */
        ExportList: {
            /** Items */
            items: components["schemas"]["ExportView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** ExportView */
        ExportView: {
            /** Name */
            name: string;
            /** Kind */
            kind: string;
            /** Url */
            url: string;
            /** Signals */
            signals: string[];
            /** Projects */
            projects: string[];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Headers */
            headers: {
                [key: string]: string;
            };
            /** Enabled */
            enabled: boolean;
            /** @description Their kind, without the credentials themselves. */
            credentials: components["schemas"]["ExportCredentialsView"] | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            standing: components["schemas"]["StandingView"];
        };
        /** FaultView */
        FaultView: {
            /** File */
            file: string;
            /** Line */
            line: number;
            /** Column */
            column: number;
            /** Message */
            message: string;
        };
        /**
         * FilesDiffView
         * @description The files that differ between two trees (tar archives); at most 100 names of each kind.
         */
        FilesDiffView: {
            /** Added */
            added: string[];
            /** Removed */
            removed: string[];
            /** Changed */
            changed: string[];
            /**
             * Counts
             * @description How many there are: `added`, `removed`, `changed`.
             */
            counts: {
                [key: string]: number;
            };
            /**
             * Whole
             * @description False if the trees are too large to be read to their ends.
             */
            whole: boolean;
        };
        /**
         * FindingView
         * @description One problem in a document.
         *
         *     `pointer` is a JSON Pointer; `line` and `column` count from 1 (0: no place in a text). `file` is the path, from the
         *     root of its repository, of another file that the problem is in; null for the document itself.
         */
        FindingView: {
            /** Code */
            code: string;
            /** Severity */
            severity: string;
            /** Message */
            message: string;
            /** Pointer */
            pointer: string;
            /** Line */
            line: number;
            /** Column */
            column: number;
            /**
             * Hint
             * @default null
             */
            hint: string | null;
            /**
             * File
             * @default null
             */
            file: string | null;
        };
        /** FiredView */
        FiredView: {
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /**
             * Opened At
             * Format: date-time
             */
            opened_at: string;
            /** Closed At */
            closed_at: string | null;
            /** Count */
            count: number;
            sample: components["schemas"]["OccurrenceSampleView"] | null;
        };
        /** FlakyCaseView */
        FlakyCaseView: {
            /** Treatment */
            treatment: string;
            /** Name */
            name: string;
            /**
             * Run Id
             * @description The run in which it was seen last.
             */
            run_id: string;
            /**
             * Seen At
             * Format: date-time
             */
            seen_at: string;
        };
        /**
         * FlowView
         * @description A port and its value.
         *
         *     `value` is null until it is complete; `sent` is its progress until then.
         */
        FlowView: {
            /** Port */
            port: string;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /**
             * Source
             * @default null
             */
            source: string | null;
            value: components["schemas"]["ValueView"] | null;
            /**
             * @description Of an input that nothing feeds, or that is an element.
             * @default null
             */
            literal: components["schemas"]["PreviewView"] | null;
            /**
             * Element Of
             * @description The output whose element an instance of `each` was made for.
             * @default null
             */
            element_of: string | null;
            /**
             * Sent
             * @description Bytes that were sent so far, or before it failed.
             * @default null
             */
            sent: number | null;
            /**
             * Attempt
             * @description Which attempt sent them.
             * @default null
             */
            attempt: number | null;
            /**
             * @description Of an output: what the shown attempt wrote before it failed. It feeds no other treatment.
             * @default null
             */
            kept: components["schemas"]["ValueView"] | null;
        };
        /** FlowsView */
        FlowsView: {
            /**
             * Items
             * @description Streams that have begun; none unless the treatment runs.
             */
            items: components["schemas"]["OutgoingStreamView"][];
        };
        /** FollowingList */
        FollowingList: {
            /** Items */
            items: components["schemas"]["FollowingView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end.
             */
            next: string | null;
        };
        /** FollowingView */
        FollowingView: {
            /** Run Id */
            run_id: string;
            /**
             * How
             * @description `started` (by it, or by its end), `rerun` or `replay`.
             */
            how: string;
            /**
             * Treatment
             * @description The treatment of this run that started it, or that it replays.
             */
            treatment: string | null;
            /** Pipeline */
            pipeline: string;
            /** State */
            state: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Finished At */
            finished_at: string | null;
            /**
             * Supervised
             * @description Of a run of a Mélodium engine: Cadence started it, as its workers are.
             */
            supervised: boolean | null;
        };
        /** FoundPage */
        FoundPage: {
            /**
             * Lines
             * @description Newest first.
             */
            lines: components["schemas"]["LineView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end. It may be there although `lines` holds fewer than asked for, or none: then there was more to look at than one request allows.
             */
            next: string | null;
            /**
             * Reached
             * @description The time down to which everything has been looked at; null: at all there is.
             */
            reached: string | null;
        };
        /**
         * FrameView
         * @description `own`: in the user's own code. `cursor` and `seq` name the log line of the frame.
         */
        FrameView: {
            /** Function */
            function: string;
            /** File */
            file: string | null;
            /** Line */
            line: number | null;
            /** Column */
            column: number | null;
            /** Own */
            own: boolean;
            /** Cursor */
            cursor: string;
            /** Seq */
            seq: number;
        };
        /**
         * GitHostBody
         * @description Without `webhook_secret` one is generated and returned, this once.
         *
         *     The kind `generic` is any sender of Standard Webhooks or CloudEvents, which start pipelines with `on.webhook`. It
         *     has only a name and a secret.
         *
         *     `access_token` lets Cadence read private repositories below `url`, to see which files a push changed; it is never
         *     shown.
         */
        GitHostBody: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "github" | "gitlab" | "gitea" | "bitbucket" | "generic";
            /** Project */
            project: string;
            /** Name */
            name: string;
            /**
             * Webhook Secret
             * @default null
             */
            webhook_secret: string | null;
            /**
             * Url
             * @default null
             */
            url: string | null;
            /**
             * Access Token
             * @default null
             */
            access_token: string | null;
            /**
             * Programs
             * @description Whether a push runs the Mélodium program in the repository's .melodium-ci.
             * @default false
             */
            programs: boolean;
        };
        /** GitHostList */
        GitHostList: {
            /** Items */
            items: components["schemas"]["GitHostView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** GitHostView */
        GitHostView: {
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Project */
            project: string;
            /** Name */
            name: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Url
             * @description Where its repositories are; its access token is sent nowhere else.
             */
            url: string | null;
            /** Programs */
            programs: boolean;
            /**
             * Webhook Path
             * @description Where the git host has to send its webhooks, below this API's address.
             */
            webhook_path: string;
        };
        /** GitHostWithSecretView */
        GitHostWithSecretView: {
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Project */
            project: string;
            /** Name */
            name: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Url
             * @description Where its repositories are; its access token is sent nowhere else.
             */
            url: string | null;
            /** Programs */
            programs: boolean;
            /**
             * Webhook Path
             * @description Where the git host has to send its webhooks, below this API's address.
             */
            webhook_path: string;
            /**
             * Webhook Secret
             * @description The secret, if it was made up here. It cannot be read again.
             */
            webhook_secret: string | null;
        };
        /** GitHubAppList */
        GitHubAppList: {
            /** Items */
            items: components["schemas"]["GitHubAppView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** GitHubAppView */
        GitHubAppView: {
            /** Id */
            id: string;
            /** Project */
            project: string;
            /** Name */
            name: string;
            /**
             * Number
             * @description GitHub's id of the App.
             */
            number: number;
            /** Url */
            url: string;
            /** Origin */
            origin: string;
            /**
             * Installation Url
             * @description The page on which the App is installed on repositories.
             */
            installation_url: string;
            /** Webhook Url */
            webhook_url: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /**
         * GrantBody
         * @description `subject` gets `role` at `scope` and at everything inside of it.
         */
        GrantBody: {
            /**
             * Subject
             * @description `member:ID`, the e-mail address of a member, `team:NAME` or `service-account:NAME`.
             */
            subject: string;
            /** Role */
            role: string;
            /**
             * Scope
             * @description `organization`, `project:P`, `pipeline:P/NAME`, `environment:P/NAME` or `pool:NAME`.
             */
            scope: string;
        };
        /** GrantList */
        GrantList: {
            /** Items */
            items: components["schemas"]["GrantView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** GrantView */
        GrantView: {
            /** Grant Id */
            grant_id: string;
            /** Subject */
            subject: string;
            /** Role */
            role: string;
            /** Scope */
            scope: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /** GraphView */
        GraphView: {
            /** Nodes */
            nodes: components["schemas"]["NodeView"][];
            /** Edges */
            edges: components["schemas"]["EdgeView"][];
            /**
             * Critical Path
             * @description The chain of treatments, each after the one before it, that the run's time went into, of a run that has not ended until now. Null on every page but the last.
             */
            critical_path: components["schemas"]["PathStepView"][] | null;
            /**
             * Next
             * @description The cursor of the next page, null at the end. Graphs of usual sizes have one.
             */
            next: string | null;
        };
        /** GuessView */
        GuessView: {
            /**
             * Kind
             * @description `time`, `random`, `network`, `order`, `place` or `unknown`.
             */
            kind: string;
            /**
             * Confidence
             * @description `likely` or `possible`.
             */
            confidence: string;
            /** Evidence */
            evidence: string;
        };
        /** HealthView */
        HealthView: {
            /** Status */
            status: string;
            /** Version */
            version: string;
        };
        /** HeldView */
        HeldView: {
            /** Runner Id */
            runner_id: string;
            /** State */
            state: string;
            /** Held Until */
            held_until: string | null;
        };
        /** HoldBody */
        HoldBody: {
            /**
             * Minutes
             * @default 60
             */
            minutes: number;
        };
        /** HostList */
        HostList: {
            /** Items */
            items: components["schemas"]["HostView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** HostView */
        HostView: {
            /** Host Id */
            host_id: string;
            /** Pool */
            pool: string;
            /** Name */
            name: string;
            /** Slots */
            slots: number;
            /**
             * Running
             * @description Runners that it reported.
             */
            running: string[];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /**
             * Draining
             * @description It gets no further work; what it runs goes on.
             */
            draining: boolean;
            /**
             * Joined At
             * Format: date-time
             */
            joined_at: string;
            /**
             * Last Seen
             * Format: date-time
             */
            last_seen: string;
            /** Facts */
            facts: {
                [key: string]: unknown;
            };
        };
        /**
         * IdentityProviderBody
         * @description A public client of an OpenID Connect provider; Cadence keeps no secret of it.
         */
        IdentityProviderBody: {
            /**
             * Issuer
             * @description As its tokens name it, without a slash at the end.
             */
            issuer: string;
            /** Client Id */
            client_id: string;
            /**
             * Scopes
             * @default [
             *       "openid",
             *       "email",
             *       "profile"
             *     ]
             */
            scopes: string[];
            /**
             * Groups Claim
             * @description The claim that lists a person's groups.
             * @default groups
             */
            groups_claim: string;
            /**
             * Open To All
             * @description Everyone who can sign in there becomes a member.
             * @default false
             */
            open_to_all: boolean;
        };
        /** IdentityProviderList */
        IdentityProviderList: {
            /** Items */
            items: components["schemas"]["IdentityProviderView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** IdentityProviderView */
        IdentityProviderView: {
            /** Name */
            name: string;
            /** Issuer */
            issuer: string;
            /** Client Id */
            client_id: string;
            /** Scopes */
            scopes: string[];
            /** Groups Claim */
            groups_claim: string;
            /** Open To All */
            open_to_all: boolean;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
        };
        /**
         * InputKit
         * @description The value of an input: its digest and size. `value` is null where there is nothing to download.
         */
        InputKit: {
            /** Port */
            port: string;
            /** Run Id */
            run_id: string;
            /** Sha256 */
            sha256: string;
            /** Size */
            size: number;
        };
        /**
         * InstanceView
         * @description One instance, to be compared with the others. `element` is the item of `each` that it was made for.
         */
        InstanceView: {
            /** Name */
            name: string;
            /** State */
            state: string;
            /** Cause */
            cause: string | null;
            /** Exit Code */
            exit_code: number | null;
            /**
             * Soft Failed
             * @description It failed, and this does not fail the run (`soft_fail`).
             */
            soft_failed: boolean;
            /** Attempt */
            attempt: number;
            /** Pool */
            pool: string | null;
            /** Matrix */
            matrix: {
                [key: string]: unknown;
            };
            /** Element */
            element: string | null;
            times: components["schemas"]["TimesView"];
            /** Usage */
            usage: {
                [key: string]: number;
            };
            /**
             * Outputs
             * @description SHA-256 by output: what is equal has the same.
             */
            outputs: {
                [key: string]: string | null;
            };
        };
        /** InstancesView */
        InstancesView: {
            /** Items */
            items: components["schemas"]["InstanceView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end.
             */
            next: string | null;
        };
        /**
         * InvitationBody
         * @description Either `email`: a person, who becomes a member; or `team` (`ORGANIZATION/NAME`): a team of another organization,
         *     which gets `role` at `scope` and nothing else.
         */
        InvitationBody: {
            /**
             * Email
             * @default null
             */
            email: string | null;
            /**
             * Team
             * @default null
             */
            team: string | null;
            /**
             * Teams
             * @description Teams that the person joins.
             */
            teams?: string[];
            /**
             * Role
             * @default null
             */
            role: string | null;
            /**
             * Scope
             * @default null
             */
            scope: string | null;
            /**
             * Expires In
             * @description Seconds.
             * @default 604800
             */
            expires_in: number;
        };
        /** InvitationList */
        InvitationList: {
            /** Items */
            items: components["schemas"]["InvitationView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** InvitationView */
        InvitationView: {
            /** Invitation Id */
            invitation_id: string;
            /** Email */
            email: string | null;
            /** Team */
            team: string | null;
            /** Teams */
            teams: string[];
            /** Role */
            role: string | null;
            /** Scope */
            scope: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
        };
        /** InvitationWithSecretView */
        InvitationWithSecretView: {
            /** Invitation Id */
            invitation_id: string;
            /** Email */
            email: string | null;
            /** Team */
            team: string | null;
            /** Teams */
            teams: string[];
            /** Role */
            role: string | null;
            /** Scope */
            scope: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
            /**
             * Code
             * @description Accepts the invitation, once. It cannot be read again.
             */
            code: string;
        };
        /**
         * KitView
         * @description Everything that runs a treatment once more elsewhere, but its secrets: their values never leave the platform this
         *     way.
         */
        KitView: {
            original: components["schemas"]["ExecutionView"];
            /**
             * Work
             * @description An agent's work: schemas/runner-protocol, without a session.
             */
            work: {
                [key: string]: unknown;
            };
            /** Inputs */
            inputs: components["schemas"]["InputKit"][];
            /** Outputs */
            outputs: {
                [key: string]: components["schemas"]["SentKit"];
            };
            /**
             * Secrets
             * @description Environment variables that hold secrets, by the secrets' names.
             */
            secrets: {
                [key: string]: string;
            };
            /**
             * Unlike
             * @description What of then cannot be had again exactly, in words.
             */
            unlike: string[];
        };
        /** LastPassedView */
        LastPassedView: {
            /**
             * Run Id
             * @description Null if no earlier run of the pipeline has succeeded.
             */
            run_id: string | null;
        };
        /** LegalHoldBody */
        LegalHoldBody: {
            /**
             * Reason
             * @description Why nothing may be deleted, such as the number of a case.
             */
            reason: string;
            /**
             * Run Id
             * @description A run of the project; null holds the whole project.
             * @default null
             */
            run_id: string | null;
        };
        /** LegalHoldList */
        LegalHoldList: {
            /** Items */
            items: components["schemas"]["LegalHoldView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * LegalHoldView
         * @description A legal hold: while it is on, nothing of its project or run is deleted.
         */
        LegalHoldView: {
            /** Id */
            id: string;
            /** Project */
            project: string;
            /**
             * Run Id
             * @description The run that is held; null: the whole project.
             */
            run_id: string | null;
            /** Reason */
            reason: string;
            /**
             * Set At
             * Format: date-time
             */
            set_at: string;
            /**
             * Set By
             * @description The id of a member, a service account or a token.
             */
            set_by: string;
            /**
             * Released At
             * @description Null while it is on.
             */
            released_at: string | null;
            /** Released By */
            released_by: string | null;
            /**
             * Renewed At
             * @description When everything that it covers was last kept from expiring; null until that was done once.
             */
            renewed_at: string | null;
        };
        /**
         * LimitsView
         * @description Millicores and bytes. `enforced` in a container; a command on the machine itself is only measured.
         */
        LimitsView: {
            /** Cpu */
            cpu: number | null;
            /** Memory */
            memory: number | null;
            /** Disk */
            disk: number | null;
            /** Enforced */
            enforced: boolean;
            /** Machine Cpu */
            machine_cpu: number | null;
            /** Machine Memory */
            machine_memory: number | null;
        };
        /**
         * LineAbout
         * @description A log line.
         */
        LineAbout: {
            /** Segment */
            segment: number;
            /**
             * Index
             * @description Of the line in its segment, from 0.
             */
            index: number;
            /**
             * Time
             * Format: date-time
             */
            time: string;
            /** Attempt */
            attempt: number;
            /** Stream */
            stream: string;
            /** Level */
            level: string;
            /** Text */
            text: string;
        };
        /**
         * LineView
         * @description `gap` marks lines that were lost: the first and last missing sequence numbers.
         *
         *     `continued`: the next line belongs to the same text. `segment` and `index` (from 0) are the line's place in its
         *     run's log.
         */
        LineView: {
            /** Project */
            project: string;
            /** Pipeline */
            pipeline: string;
            /** Run */
            run: string;
            /** Treatment */
            treatment: string;
            /** Attempt */
            attempt: number;
            /** Runner */
            runner: string;
            /** Pool */
            pool: string | null;
            /** Seq */
            seq: number;
            /** Time */
            time: string;
            /** Stream */
            stream: string;
            /** Level */
            level: string;
            /** Text */
            text: string;
            /** Continued */
            continued: boolean;
            /**
             * Track
             * @description Of an engine's line.
             */
            track: number | null;
            /**
             * Step
             * @description The number of the treatment's step that wrote it, from 1.
             */
            step: number | null;
            /** Gap */
            gap: {
                [key: string]: number;
            } | null;
            /** Segment */
            segment: number;
            /** Index */
            index: number;
        };
        /**
         * LinkDecisionBody
         * @description The page's form.
         */
        LinkDecisionBody: {
            /** Key */
            key: string;
            /**
             * Decision
             * @enum {string}
             */
            decision: "approve" | "refuse";
            /**
             * Comment
             * @default
             */
            comment: string;
        };
        /** LinkView */
        LinkView: {
            /**
             * Path
             * @description Opens the page. It cannot be read again.
             */
            path: string;
        };
        /** LiveAddress */
        LiveAddress: {
            /**
             * Url
             * @description A WebSocket's address; if it has no scheme, relative to that of this API.
             */
            url: string;
        };
        /** LivePageView */
        LivePageView: {
            /**
             * Lines
             * @description In the order in which they came, and by time among those that came together.
             */
            lines: components["schemas"]["LineView"][];
            /**
             * After
             * @description The cursor to continue from. No line comes twice, and none is left out.
             */
            after: string;
            /**
             * More
             * @description Whether there are more lines right now.
             */
            more: boolean;
        };
        /** LiveTicketView */
        LiveTicketView: {
            /**
             * Ticket
             * @description Opens one WebSocket connection as the caller, within 30 seconds.
             */
            ticket: string;
            /**
             * Url
             * @description The WebSocket's address; if it has no scheme, relative to that of this API.
             */
            url: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
        };
        /**
         * LocatedDataView
         * @description A part of a run's data in one bucket, or of its records in one table.
         */
        LocatedDataView: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "value" | "log" | "test-report" | "summary" | "engine" | "cache" | "source" | "document" | "record" | "other";
            /** Name */
            name: string;
            /** Treatment */
            treatment: string | null;
            /** Attempt */
            attempt: number | null;
            /** Port */
            port: string | null;
            /**
             * Pool
             * @description The pool whose runner sent it.
             */
            pool: string | null;
            /**
             * Bucket
             * @description The bucket; of records `table` and the name of the table.
             */
            bucket: string;
            /** Region */
            region: string | null;
            /**
             * Objects
             * @description How many objects the bucket has of it, or items the table; 0 if nothing is there (any more).
             */
            objects: number;
            /**
             * Bytes
             * @description Of records about as many as DynamoDB counts.
             */
            bytes: number;
            /**
             * Sent
             * @description The size that was recorded of a value or cache.
             */
            sent: number | null;
            /**
             * Kept Until
             * @description From when it is removed. Null while a legal hold is on, for objects also while the run goes on, and for caches, documents and files of commits.
             */
            kept_until: string | null;
            /**
             * Held
             * @description Whether a legal hold keeps it.
             */
            held: boolean;
            /** Encryption */
            encryption: string | null;
            /**
             * Read By
             * @description The treatments of the run that were given it as an input.
             */
            read_by: string[];
        };
        /**
         * LogLineView
         * @description `cursor` is the line's place in the run's log, `<segment>:<number>`.
         */
        LogLineView: {
            /** Cursor */
            cursor: string;
            /** Seq */
            seq: number;
            /** Time */
            time: string;
            /** Stream */
            stream: string;
            /** Level */
            level: string;
            /** Text */
            text: string;
            /** Runner */
            runner: string;
        };
        /** LogPage */
        LogPage: {
            /** Lines */
            lines: components["schemas"]["NumberedLine"][];
            /**
             * After
             * @description The cursor to go on from. It stays the same while nothing new is there.
             */
            after: string;
            /**
             * Before
             * @description The cursor to go back from; null at the log's beginning.
             */
            before: string | null;
            /**
             * More
             * @description Whether there are more lines right now; with `before`, earlier ones. It may be true although there are no lines here: few match, and one request reads only so much.
             */
            more: boolean;
            /**
             * Total
             * @description How many lines the log has; null unless a place was asked for.
             */
            total: number | null;
        };
        /**
         * MelodiumView
         * @description What is known of a process of a Mélodium engine. `supervised`: Cadence started it.
         */
        MelodiumView: {
            /**
             * Group Id
             * @description Ties a root run and its workers.
             */
            group_id: string;
            /**
             * Parent Id
             * @description The run of the engine that asked for this one.
             */
            parent_id: string | null;
            /** Version */
            version: string;
            /** Mode */
            mode: string;
            /** Tags */
            tags: string[];
            /** Supervised */
            supervised: boolean;
        };
        /**
         * MemberBody
         * @description `teams` may hold no more than the caller does.
         */
        MemberBody: {
            /** Name */
            name: string;
            /** Email */
            email: string;
            /** Teams */
            teams?: string[];
        };
        /** MemberErasureList */
        MemberErasureList: {
            /** Items */
            items: components["schemas"]["MemberErasureView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * MemberErasureView
         * @description The certificate of an erasure: the record that remains of it. It has no name and no address.
         */
        MemberErasureView: {
            /** Id */
            id: string;
            /** Member Id */
            member_id: string;
            /**
             * Requested At
             * Format: date-time
             */
            requested_at: string;
            /**
             * Requested By
             * @description The id of a member, a service account or a token.
             */
            requested_by: string;
            /**
             * Finished At
             * @description Null if it was interrupted: repeat it.
             */
            finished_at: string | null;
            /**
             * Removed
             * @description What was removed, by kind.
             */
            removed: {
                [key: string]: number;
            };
            /**
             * Stays
             * @description What was left, and why.
             */
            stays: string[];
        };
        /** MemberList */
        MemberList: {
            /** Items */
            items: components["schemas"]["MemberView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** MemberView */
        MemberView: {
            /**
             * Member Id
             * @description What grants, tokens and records refer to: `member:ID`.
             */
            member_id: string;
            /** Name */
            name: string;
            /** Email */
            email: string;
            /** Teams */
            teams: string[];
            /**
             * Identity
             * @description Issuer and subject at the identity provider, after the first sign-in.
             */
            identity: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
        };
        /**
         * NamedSecretView
         * @description What the name of a secret means for a treatment, or for the login of a registry. Values are never shown.
         */
        NamedSecretView: {
            /** Name */
            name: string;
            /** Treatment */
            treatment: string | null;
            /** Registry */
            registry: string | null;
            /**
             * Pools
             * @description The pools in which it means this; empty: wherever the treatment runs.
             */
            pools: string[];
            /**
             * State
             * @description `open`: only a run shows what it means.
             * @enum {string}
             */
            state: "found" | "missing" | "open";
            /**
             * Owner
             * @description Whose secret it is: `project`, `organization`, `team:NAME` or `pool:NAME`; guests get no names.
             */
            owner: string | null;
            /**
             * Environment
             * @description The environment that the secret is bound to.
             */
            environment: string | null;
            /**
             * Reason
             * @description Why it is missing or open.
             */
            reason: string | null;
        };
        /**
         * NodeView
         * @description Its times are those of its latest attempt.
         */
        NodeView: {
            /** Name */
            name: string;
            /**
             * Kind
             * @description `command`, `gather` (a matrix), `each`, `trigger`, or `element` (inside an engine).
             */
            kind: string;
            /**
             * Group
             * @description The treatment that gathers it, if it is an instance of a matrix.
             */
            group: string | null;
            /** State */
            state: string;
            /** Attempt */
            attempt: number;
            /** Ready At */
            ready_at: string | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /** Inputs */
            inputs: string[];
            /** Outputs */
            outputs: string[];
            /**
             * Instances
             * @description Of a group: the number of its instances by their state.
             */
            instances: {
                [key: string]: number;
            } | null;
        };
        /** NumberedLine */
        NumberedLine: {
            /** Project */
            project: string;
            /** Pipeline */
            pipeline: string;
            /** Run */
            run: string;
            /** Treatment */
            treatment: string;
            /** Attempt */
            attempt: number;
            /** Runner */
            runner: string;
            /** Pool */
            pool: string | null;
            /** Seq */
            seq: number;
            /** Time */
            time: string;
            /** Stream */
            stream: string;
            /** Level */
            level: string;
            /** Text */
            text: string;
            /** Continued */
            continued: boolean;
            /**
             * Track
             * @description Of an engine's line.
             */
            track: number | null;
            /**
             * Step
             * @description The number of the treatment's step that wrote it, from 1.
             */
            step: number | null;
            /** Gap */
            gap: {
                [key: string]: number;
            } | null;
            /** Segment */
            segment: number;
            /** Index */
            index: number;
            /**
             * Number
             * @description Of the line in its run's log, from 1.
             */
            number: number;
        };
        /**
         * OccurrenceSampleView
         * @description One occurrence that matches: a line (with its segment and index), or the end of a treatment or run in words.
         */
        OccurrenceSampleView: {
            /** Text */
            text: string;
            /** Time */
            time: string;
            /** Run Id */
            run_id: string;
            /** Treatment */
            treatment: string | null;
            /** Segment */
            segment: number | null;
            /** Index */
            index: number | null;
        };
        /**
         * OpenBody
         * @description Exactly one of the two.
         */
        OpenBody: {
            /**
             * Code
             * @description A one-time code.
             * @default null
             */
            code: string | null;
            /**
             * Token
             * @description A token's text.
             * @default null
             */
            token: string | null;
        };
        /**
         * OpenLineageEvents
         * @description Run events of OpenLineage, in the order in which they happened.
         */
        OpenLineageEvents: {
            /** Events */
            events: {
                [key: string]: unknown;
            }[];
        };
        /**
         * OpenedSessionView
         * @description The cookie that is set is the other half of the session.
         */
        OpenedSessionView: {
            /** Session Id */
            session_id: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
            /**
             * Session
             * @description What to send as the header `Cadence-Session`. It cannot be read again.
             */
            session: string;
            /**
             * Name
             * @description The name of the token that the session acts as.
             */
            name: string;
            /** Organization */
            organization: string;
            /**
             * Project
             * @description The project that the session is restricted to, or `*`.
             */
            project: string;
            /** Permissions */
            permissions: string[];
        };
        /** OrganizationBody */
        OrganizationBody: {
            /** Name */
            name: string;
            /**
             * Display Name
             * @default
             */
            display_name: string;
        };
        /** OrganizationDeletionList */
        OrganizationDeletionList: {
            /** Items */
            items: components["schemas"]["OrganizationDeletionView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * OrganizationDeletionView
         * @description A deletion: the record that remains of an organization.
         */
        OrganizationDeletionView: {
            /** Id */
            id: string;
            /** Organization */
            organization: string;
            /**
             * State
             * @description `closing` (its projects are deleted), `removing`, or `deleted`.
             */
            state: string;
            /**
             * Requested At
             * Format: date-time
             */
            requested_at: string;
            /**
             * Requested By
             * @description The id of a member, a service account or a token.
             */
            requested_by: string;
            /**
             * Removes From
             * Format: date-time
             * @description When what belongs to no project begins to be removed, at the earliest.
             */
            removes_from: string;
            /** Finished At */
            finished_at: string | null;
            /**
             * Removed
             * @description What was removed so far besides the projects, by kind.
             */
            removed: {
                [key: string]: number;
            };
            /**
             * Remains
             * @description What could not be removed elsewhere, and where it is.
             */
            remains: string[];
            /**
             * Projects
             * @description The deletions of its projects, with what these removed.
             */
            projects: components["schemas"]["ProjectDeletionView"][];
        };
        /** OrganizationList */
        OrganizationList: {
            /** Items */
            items: components["schemas"]["OrganizationView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** OrganizationView */
        OrganizationView: {
            /**
             * Name
             * @description A part of keys, addresses and identity tokens. It never changes.
             */
            name: string;
            /**
             * Display Name
             * @description What people see beside the name; empty if none was set.
             */
            display_name: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Deletion
             * @description The id of the deletion that is removing it, if one is.
             */
            deletion: string | null;
        };
        /** OrganizationWithSecretView */
        OrganizationWithSecretView: {
            /**
             * Name
             * @description A part of keys, addresses and identity tokens. It never changes.
             */
            name: string;
            /**
             * Display Name
             * @description What people see beside the name; empty if none was set.
             */
            display_name: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Deletion
             * @description The id of the deletion that is removing it, if one is.
             */
            deletion: string | null;
            /**
             * Token
             * @description A token for everything in the organization. It cannot be read again.
             */
            token: string;
        };
        /**
         * OriginView
         * @description What a treatment sent, and what that was made from.
         *
         *     `cut`: shown elsewhere in this trace, or too deep; request its own trace. `sources` are values that it was made from
         *     and did not get through an input: an instance's, an earlier run's.
         */
        OriginView: {
            /** Treatment */
            treatment: string;
            /** Port */
            port: string;
            /** State */
            state: string | null;
            /** Exit Code */
            exit_code: number | null;
            /** Attempt */
            attempt: number | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            runner: components["schemas"]["RunnerView"] | null;
            value: components["schemas"]["ValueView"] | null;
            /**
             * Unreported
             * @description The values that a Mélodium engine sent here without reporting them; 0 if there is a value.
             */
            unreported: number;
            /** Inputs */
            inputs: {
                [key: string]: components["schemas"]["OriginView"] | null;
            };
            /** Cut */
            cut: boolean;
            /** Run Id */
            run_id: string;
            /** @default null */
            via: components["schemas"]["ViaView"] | null;
            /** Sources */
            sources?: components["schemas"]["OriginView"][];
        };
        /** OutgoingStreamView */
        OutgoingStreamView: {
            /** Port */
            port: string;
            /**
             * Size
             * @description Bytes sent so far.
             */
            size: number;
            /** Ended */
            ended: boolean;
            /**
             * Readers
             * @description Those that read while it is sent.
             */
            readers: components["schemas"]["StreamReaderView"][];
        };
        /**
         * OutputView
         * @description `same_values`: only how the values are written differs. `note` explains why no place is given.
         */
        OutputView: {
            /** Port */
            port: string;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /**
             * Equal
             * @description Byte by byte.
             */
            equal: boolean;
            /** Same Values */
            same_values: boolean;
            then: components["schemas"]["SentView"] | null;
            now: components["schemas"]["SentView"] | null;
            first_difference: components["schemas"]["PlaceView"] | null;
            /** Note */
            note: string | null;
        };
        /**
         * PartView
         * @description A piece of a value: `length` bytes from `offset` on; `line` counts from 1.
         *
         *     With several `candidates` it is the first place that matches.
         */
        PartView: {
            /** Offset */
            offset: number;
            /** Length */
            length: number;
            /** Line */
            line: number | null;
            /** Candidates */
            candidates: number;
        };
        /**
         * PathStepView
         * @description A treatment of the critical path: it had the run's time from `since` to `until`.
         *
         *     Of this time, in seconds, it was `queued` (for its turn, an approval, a runner or its next attempt), its runner
         *     `booted`, and it `ran`.
         */
        PathStepView: {
            /** Treatment */
            treatment: string;
            /** State */
            state: string;
            /** Attempt */
            attempt: number;
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /**
             * Until
             * Format: date-time
             */
            until: string;
            /** Queued */
            queued: number;
            /** Booted */
            booted: number;
            /** Ran */
            ran: number;
        };
        /** PendingApprovalList */
        PendingApprovalList: {
            /** Items */
            items: components["schemas"]["PendingApprovalView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * PendingApprovalView
         * @description A treatment that waits for an approval.
         */
        PendingApprovalView: {
            /** Run Id */
            run_id: string;
            /** Project */
            project: string;
            /** Pipeline */
            pipeline: string;
            /** Treatment */
            treatment: string;
            /** Environment */
            environment: string;
            /** Starter */
            starter: string;
            /** Branch */
            branch: string | null;
            /** Commit */
            commit: string | null;
            /** Commit Message */
            commit_message: string | null;
            /** Required */
            required: number;
            /** Approvers */
            approvers: string[] | null;
            /**
             * Asked At
             * Format: date-time
             */
            asked_at: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
            /** Decisions */
            decisions: components["schemas"]["DecisionView"][];
            /**
             * Obstacle
             * @description Why the caller cannot approve it; null if it can.
             */
            obstacle: string | null;
        };
        /**
         * PipelineAbout
         * @description A document that a run's own document uses.
         */
        PipelineAbout: {
            /** Name */
            name: string;
            /** Version */
            version: number | null;
            /** Sha256 */
            sha256: string;
        };
        /** PipelineList */
        PipelineList: {
            /** Items */
            items: components["schemas"]["PipelineView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** PipelineView */
        PipelineView: {
            /** Project */
            project: string;
            /** Name */
            name: string;
            /** Version */
            version: number;
            /** Document Sha256 */
            document_sha256: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Created By Name
             * @description The name of the member that `created_by` is; empty if it is none.
             */
            created_by_name: string;
            /** @description What a push must match to start it; null if no push does. */
            push: components["schemas"]["PushView"] | null;
            /**
             * Triggers
             * @description All that starts it by itself, as in the document under `on`.
             */
            triggers: {
                [key: string]: unknown;
            };
            /**
             * Next Firings
             * @description The next five times at which its schedules start it.
             */
            next_firings: string[];
        };
        /** PipelineWithDocument */
        PipelineWithDocument: {
            /** Project */
            project: string;
            /** Name */
            name: string;
            /** Version */
            version: number;
            /** Document Sha256 */
            document_sha256: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Created By Name
             * @description The name of the member that `created_by` is; empty if it is none.
             */
            created_by_name: string;
            /** @description What a push must match to start it; null if no push does. */
            push: components["schemas"]["PushView"] | null;
            /**
             * Triggers
             * @description All that starts it by itself, as in the document under `on`.
             */
            triggers: {
                [key: string]: unknown;
            };
            /**
             * Next Firings
             * @description The next five times at which its schedules start it.
             */
            next_firings: string[];
            /**
             * Document
             * @description The document as written.
             */
            document: string;
        };
        /**
         * PlaceView
         * @description `offset` counts bytes from 0, `line` and `column` from 1.
         *
         *     `pointer` is a JSON Pointer into the line's value, `member` the file of an archive. `then` and `now` show both sides
         *     there.
         */
        PlaceView: {
            /** Offset */
            offset: number;
            /** Line */
            line: number | null;
            /** Column */
            column: number | null;
            /** Pointer */
            pointer: string | null;
            /** Member */
            member: string | null;
            /** Then */
            then: string;
            /** Now */
            now: string;
        };
        /**
         * PoolBody
         * @description `boot_deadline` in seconds, from when the infrastructure has begun.
         */
        PoolBody: {
            /**
             * Provider
             * @enum {string}
             */
            provider: "host" | "aws_ec2" | "aws_fargate" | "azure" | "gcp" | "github_actions" | "gitlab" | "kubernetes" | "openstack" | "scaleway" | "vsphere";
            /**
             * Boot Deadline
             * @default 120
             */
            boot_deadline: number;
            /**
             * Architectures
             * @default [
             *       "amd64"
             *     ]
             */
            architectures: ("amd64" | "arm64")[];
            /**
             * Projects
             * @description The projects that may use the pool, or `*` for all. Without this member it stays given to those that it is given to; a new one is given to all, for which a team's new pool has to name them.
             * @default null
             */
            projects: string[] | null;
            /**
             * Team
             * @description A team of the organization that gets the role maintainer at the pool. It keeps that.
             * @default null
             */
            team: string | null;
            /**
             * Settings
             * @description The provider's own, by the schema `pool-settings/{provider}`.
             */
            settings?: {
                [key: string]: unknown;
            };
            /**
             * Credentials
             * @description What the provider needs to act there. Kept encrypted, and never read back; without it, what is kept stays.
             * @default null
             */
            credentials: {
                [key: string]: string;
            } | null;
            /**
             * @default {
             *       "runners": null,
             *       "cpu": null,
             *       "memory": null,
             *       "storage": null,
             *       "images": null
             *     }
             */
            limits: components["schemas"]["PoolLimits"];
            /** @default null */
            price: components["schemas"]["PoolPrice"] | null;
            /**
             * Region
             * @description As the infrastructure calls it.
             * @default null
             */
            region: string | null;
            /**
             * Residency
             * @description Where its data is: `eu`, `ch`.
             * @default null
             */
            residency: string | null;
            /** Offers */
            offers?: components["schemas"]["PoolOfferBody"][];
            /** Labels */
            labels?: string[];
            /** Warm */
            warm?: components["schemas"]["PoolWarmWindow"][];
            /**
             * Max Duration
             * @description Seconds. Longer treatments go elsewhere.
             * @default null
             */
            max_duration: number | null;
            /** @default null */
            budget: components["schemas"]["PoolBudget"] | null;
            values?: components["schemas"]["PoolValues"];
        };
        /**
         * PoolBudget
         * @description In the currency of the pool's price, for each calendar month (UTC).
         *
         *     Runners that could exceed it are not started.
         */
        PoolBudget: {
            /** Per Month */
            per_month: number;
        };
        /** PoolCredentialsView */
        PoolCredentialsView: {
            /** Names */
            names: string[];
            /** Updated At */
            updated_at: string | null;
        };
        /** PoolDetailView */
        PoolDetailView: {
            pool: components["schemas"]["PoolView"];
            /**
             * Teams
             * @description The teams that have a role at the pool; guests see none of them.
             */
            teams: components["schemas"]["PoolTeamView"][];
            credentials: components["schemas"]["PoolCredentialsView"];
            /** @description What the last dry probe found; null before its answer is there. */
            probe: components["schemas"]["ProbeView"] | null;
            sweep: components["schemas"]["SweepView"] | null;
            /** Refusals */
            refusals: components["schemas"]["RefusalView"][];
            /** @description Of its budget; null without one, and of a pool of hosts. */
            spending: components["schemas"]["SpendingView"] | null;
            /** Runners */
            runners: components["schemas"]["PoolRunnerView"][];
            /** Queue */
            queue: components["schemas"]["QueuedView"][];
        };
        /**
         * PoolLimits
         * @description The largest runner of the pool in millicores and MB. Documents are checked against what is set.
         */
        PoolLimits: {
            /**
             * Runners
             * @description At most so many at a time; the others wait.
             * @default null
             */
            runners: number | null;
            /**
             * Cpu
             * @default null
             */
            cpu: number | null;
            /**
             * Memory
             * @default null
             */
            memory: number | null;
            /**
             * Storage
             * @default null
             */
            storage: number | null;
            /**
             * Images
             * @description Whether its runners can run container images.
             * @default null
             */
            images: boolean | null;
        };
        /** PoolList */
        PoolList: {
            /** Items */
            items: components["schemas"]["PoolView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * PoolOfferBody
         * @description A kind of machine that the pool may buy, by its name at the infrastructure: millicores and MB.
         */
        PoolOfferBody: {
            /** Name */
            name: string;
            /** Cpu */
            cpu: number;
            /** Memory */
            memory: number;
            /**
             * Storage
             * @default null
             */
            storage: number | null;
            /**
             * Arch
             * @default amd64
             * @enum {string}
             */
            arch: "amd64" | "arm64";
            /**
             * Per Hour
             * @description In the currency of the pool's price.
             * @default null
             */
            per_hour: number | null;
            /**
             * Spot
             * @description It may be taken away at any time.
             * @default false
             */
            spot: boolean;
        };
        /**
         * PoolPrice
         * @description The price of an hour of a runner of the pool, for the metrics of cost.
         */
        PoolPrice: {
            /** Per Hour */
            per_hour: number;
            /**
             * Currency
             * @description A code of ISO 4217.
             * @default USD
             */
            currency: string;
        };
        /** PoolRunnerView */
        PoolRunnerView: {
            /** Runner Id */
            runner_id: string;
            /** Run Id */
            run_id: string;
            /** Treatment */
            treatment: string;
            /** State */
            state: string;
            /** Phase */
            phase: string | null;
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /** Attempt */
            attempt: number;
            /**
             * Offer
             * @description What its infrastructure sold it as, once that is known.
             */
            offer: string | null;
            /**
             * Cost
             * @description So far, by the price of what it was sold as, or of the pool.
             */
            cost: number | null;
            /** Currency */
            currency: string | null;
            /** Held Until */
            held_until: string | null;
        };
        /** PoolSecretBody */
        PoolSecretBody: {
            /**
             * Value
             * @description At most 64 KiB of UTF-8 text. Either this or a `source` is required.
             * @default null
             */
            value: string | null;
            /** @default null */
            source: components["schemas"]["SecretSourceBody"] | null;
        };
        /** PoolTeamView */
        PoolTeamView: {
            /** Team */
            team: string;
            /** Role */
            role: string;
        };
        /**
         * PoolValues
         * @description What is kept of the values that its runners send, and where values are stored.
         *
         *     `full`: everything, for the project's retention. `digest`: once all readers of a value have ended, its digest, size,
         *     type and times. `none`: its size, type and times.
         */
        PoolValues: {
            /**
             * Capture
             * @default full
             * @enum {string}
             */
            capture: "full" | "digest" | "none";
            /**
             * Bucket
             * @description One that this installation was deployed with.
             * @default null
             */
            bucket: string | null;
            /**
             * Region
             * @description The bucket's, to be held against.
             * @default null
             */
            region: string | null;
        };
        /**
         * PoolView
         * @description The pool as it was set, without credentials: it may be sent back as a body.
         */
        PoolView: {
            /** Name */
            name: string;
            /** Provider */
            provider: string;
            /** Boot Deadline */
            boot_deadline: number;
            /** Architectures */
            architectures: string[];
            /**
             * Projects
             * @description Those that may use it (`*`: all), as far as the caller may see them.
             */
            projects: string[];
            /** Settings */
            settings: {
                [key: string]: unknown;
            };
            /** Limits */
            limits: {
                [key: string]: unknown;
            };
            /** Price */
            price: {
                [key: string]: unknown;
            } | null;
            /** Region */
            region: string | null;
            /** Residency */
            residency: string | null;
            /** Offers */
            offers: {
                [key: string]: unknown;
            }[];
            /** Labels */
            labels: string[];
            /** Warm */
            warm: {
                [key: string]: unknown;
            }[];
            /** Max Duration */
            max_duration: number | null;
            /** Budget */
            budget: {
                [key: string]: unknown;
            } | null;
            /** Values */
            values: {
                [key: string]: unknown;
            };
        };
        /**
         * PoolWarmWindow
         * @description How many machines wait, between two times of some days; `24:00` is the end of a day.
         */
        PoolWarmWindow: {
            /**
             * Days
             * @default [
             *       "mon",
             *       "tue",
             *       "wed",
             *       "thu",
             *       "fri",
             *       "sat",
             *       "sun"
             *     ]
             */
            days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
            /**
             * Start
             * @default 00:00
             */
            start: string;
            /**
             * End
             * @default 24:00
             */
            end: string;
            /**
             * Timezone
             * @default UTC
             */
            timezone: string;
            /**
             * Ready
             * @default 0
             */
            ready: number;
            /**
             * Stopped
             * @default 0
             */
            stopped: number;
        };
        /**
         * PortDiffView
         * @description A port whose content differs, or may differ.
         */
        PortDiffView: {
            /** Port */
            port: string;
            then: components["schemas"]["DigestView"] | null;
            now: components["schemas"]["DigestView"] | null;
            /**
             * Then Source
             * @description The output that fed the input, as `treatment.port`.
             */
            then_source: string | null;
            /** Now Source */
            now_source: string | null;
            /**
             * Known
             * @description False if it is not known whether the content differs.
             */
            known: boolean;
        };
        /**
         * PrepareAppBody
         * @description `account` is an organization on GitHub; without it the App is one of the user who is signed in there.
         */
        PrepareAppBody: {
            /** Project */
            project: string;
            /**
             * Redirect Url
             * @description Where GitHub sends the browser, with `code` and `state`.
             */
            redirect_url: string;
            /**
             * Name
             * @description It has to be unique on GitHub, which lets the user change it.
             * @default Cadence
             */
            name: string;
            /**
             * Account
             * @default null
             */
            account: string | null;
            /**
             * Origin
             * @default https://github.com
             */
            origin: string;
            /**
             * Public Url
             * @description The address at which GitHub reaches this API; by default the one of this request.
             * @default null
             */
            public_url: string | null;
        };
        /** PreparedAppView */
        PreparedAppView: {
            /** Id */
            id: string;
            /**
             * Page
             * @description The address to which a browser sends the manifest, as the field of a form.
             */
            page: string;
            /** Manifest */
            manifest: {
                [key: string]: unknown;
            };
            /** Public Url */
            public_url: string;
        };
        /**
         * PreviewView
         * @description A content, or its beginning, by its kind: which of the other members exist depends on it.
         */
        PreviewView: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "empty" | "text" | "json" | "table" | "image" | "archive" | "hex";
            /** Media Type */
            media_type: string;
            /**
             * Cut
             * @description Whether the content goes on beyond what is shown.
             */
            cut: boolean;
            /**
             * Text
             * @default null
             */
            text: string | null;
            /**
             * Columns
             * @description Of a table.
             */
            columns?: string[];
            /** Rows */
            rows?: string[][];
            /**
             * Width
             * @description Of an image, in pixels.
             * @default null
             */
            width: number | null;
            /**
             * Height
             * @default null
             */
            height: number | null;
            /**
             * Names
             * @description Of an archive's first members.
             */
            names?: string[];
            /**
             * Lines
             * @description Bytes as `hexdump -C` writes them.
             */
            lines?: string[];
        };
        /** ProbeView */
        ProbeView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Passed */
            passed: boolean;
            /** Checks */
            checks: components["schemas"]["CheckView"][];
            /**
             * Error
             * @description Why nothing could be looked at.
             */
            error: string | null;
        };
        /**
         * ProgramBody
         * @description A Mélodium program in base64: a script, a .jeu package, or a tar archive (also compressed) with a Compo.toml.
         */
        ProgramBody: {
            /** Content */
            content: string;
            /**
             * Filename
             * @default program.mel
             */
            filename: string;
        };
        /** ProgramList */
        ProgramList: {
            /** Items */
            items: components["schemas"]["ProgramSummary"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** ProgramParameterView */
        ProgramParameterView: {
            /** Name */
            name: string;
            /** Type */
            type: string;
            /**
             * Default
             * @description The default as it is written in the program; null if it has to be given.
             */
            default: string | null;
        };
        /** ProgramPortView */
        ProgramPortView: {
            /** Name */
            name: string;
            /** Type */
            type: string;
        };
        /** ProgramReading */
        ProgramReading: {
            /** Sha256 */
            sha256: string;
            /**
             * Name
             * @description What the program calls itself.
             */
            name: string;
            /** Version */
            version: string;
            /** Entrypoints */
            entrypoints: components["schemas"]["EntrypointView"][];
            /**
             * Faults
             * @description What cannot be read. The engine's own check follows when it is run.
             */
            faults: components["schemas"]["FaultView"][];
        };
        /** ProgramSummary */
        ProgramSummary: {
            /** Stored As */
            stored_as: string;
            /** Sha256 */
            sha256: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Created By Name
             * @description The name of the member that `created_by` is; empty if it is none.
             */
            created_by_name: string;
        };
        /** ProgramView */
        ProgramView: {
            /** Sha256 */
            sha256: string;
            /**
             * Name
             * @description What the program calls itself.
             */
            name: string;
            /** Version */
            version: string;
            /** Entrypoints */
            entrypoints: components["schemas"]["EntrypointView"][];
            /**
             * Faults
             * @description What cannot be read. The engine's own check follows when it is run.
             */
            faults: components["schemas"]["FaultView"][];
            /** Stored As */
            stored_as: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Created By Name
             * @description The name of the member that `created_by` is; empty if it is none.
             */
            created_by_name: string;
        };
        /** ProjectBody */
        ProjectBody: {
            /** Name */
            name: string;
        };
        /** ProjectDeletionList */
        ProjectDeletionList: {
            /** Items */
            items: components["schemas"]["ProjectDeletionView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * ProjectDeletionView
         * @description A deletion: the record that remains of a project.
         */
        ProjectDeletionView: {
            /** Id */
            id: string;
            /** Project */
            project: string;
            /**
             * State
             * @description `closing` (runs end), `removing`, or `deleted`.
             */
            state: string;
            /**
             * Requested At
             * Format: date-time
             */
            requested_at: string;
            /**
             * Requested By
             * @description The id of a member, a service account or a token.
             */
            requested_by: string;
            /**
             * Removes From
             * Format: date-time
             * @description When data begins to be removed: no runner can write any more by then.
             */
            removes_from: string;
            /** Finished At */
            finished_at: string | null;
            /**
             * Removed
             * @description What was removed so far, by kind.
             */
            removed: {
                [key: string]: number;
            };
            /**
             * Remains
             * @description What could not be removed elsewhere, and where it is.
             */
            remains: string[];
        };
        /** ProjectList */
        ProjectList: {
            /** Items */
            items: components["schemas"]["ProjectView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** ProjectView */
        ProjectView: {
            /** Name */
            name: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
        };
        /**
         * ProvDocument
         * @description A document in W3C PROV-JSON.
         */
        ProvDocument: {
            /** Prefix */
            prefix: {
                [key: string]: string;
            };
            /** Entity */
            entity: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Activity */
            activity: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Agent */
            agent: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Wasgeneratedby */
            wasGeneratedBy: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Used */
            used: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Wasderivedfrom */
            wasDerivedFrom: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Wasinformedby */
            wasInformedBy: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Wasstartedby */
            wasStartedBy: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Wasassociatedwith */
            wasAssociatedWith: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** Wasinfluencedby */
            wasInfluencedBy: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
        };
        /**
         * ProvenanceView
         * @description `nodes` in the order in which they were reached, the requested one (`start`) first.
         */
        ProvenanceView: {
            /** Run Id */
            run_id: string;
            /** Direction */
            direction: string;
            /** Start */
            start: string;
            /** Nodes */
            nodes: components["schemas"]["TracedNode"][];
            /** Links */
            links: components["schemas"]["TracedLink"][];
        };
        /**
         * PublicKeyView
         * @description An RSA key as a JSON Web Key.
         */
        PublicKeyView: {
            /** Kty */
            kty: string;
            /** N */
            n: string;
            /** E */
            e: string;
            /** Kid */
            kid: string;
            /** Use */
            use: string;
            /** Alg */
            alg: string;
        };
        /** PublicKeys */
        PublicKeys: {
            /** Keys */
            keys: components["schemas"]["PublicKeyView"][];
        };
        /** PushView */
        PushView: {
            /** Branches */
            branches: string[];
            /** Paths */
            paths: string[];
            /** Tags */
            tags: string[];
        };
        /** QueuedView */
        QueuedView: {
            /** Run Id */
            run_id: string;
            /** Treatment */
            treatment: string;
            /** Position */
            position: number;
            /**
             * Estimate Seconds
             * @description About how long still, from how long those that run have taken.
             */
            estimate_seconds: number | null;
        };
        /**
         * QuotasBody
         * @description Runs and runners beyond these wait for their turn; `max_runners` counts over all pools (null: no limit).
         */
        QuotasBody: {
            /**
             * Max Running Runs
             * @default 500
             */
            max_running_runs: number;
            /**
             * Max Runners
             * @default null
             */
            max_runners: number | null;
        };
        /** QuotasView */
        QuotasView: {
            /** Max Running Runs */
            max_running_runs: number;
            /** Max Runners */
            max_runners: number | null;
        };
        /**
         * RaisedView
         * @description Frames with the innermost first. `first` and `last` are the cursors of its log lines, `text` their texts.
         */
        RaisedView: {
            /** Language */
            language: string;
            /** Error */
            error: string;
            /** Message */
            message: string;
            /** First */
            first: string;
            /** Last */
            last: string;
            /** Text */
            text: string[];
            /** Frames */
            frames: components["schemas"]["FrameView"][];
            caused_by: components["schemas"]["RaisedView"] | null;
        };
        /** RefusalView */
        RefusalView: {
            /** Offer */
            offer: string;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /**
             * Reason
             * @description In the infrastructure's own words.
             */
            reason: string;
            /**
             * Times
             * @description How often in a row.
             */
            times: number;
            /**
             * Until
             * Format: date-time
             * @description Until then other pools are asked first.
             */
            until: string;
        };
        /**
         * RegisterAppBody
         * @description `code` is what GitHub gave for the manifest with this `id`, at most an hour ago.
         */
        RegisterAppBody: {
            /** Project */
            project: string;
            /** Id */
            id: string;
            /**
             * Code
             * Format: password
             */
            code: string;
            /**
             * Origin
             * @default https://github.com
             */
            origin: string;
            /** Public Url */
            public_url: string;
        };
        /** RenameOrganizationBody */
        RenameOrganizationBody: {
            /** Display Name */
            display_name: string;
        };
        /**
         * ReplayBody
         * @description `pool` replaces those that the treatment names; `offline` means without any network.
         */
        ReplayBody: {
            /**
             * Pool
             * @default null
             */
            pool: string | null;
            /**
             * Offline
             * @default false
             */
            offline: boolean;
        };
        /** ReplayList */
        ReplayList: {
            /**
             * Items
             * @description The newest ten, newest first.
             */
            items: components["schemas"]["ReplaySummary"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * ReplayStarted
         * @description `run_id` is the replay's; `original` the run in which the treatment ran first.
         */
        ReplayStarted: {
            /** Run Id */
            run_id: string;
            /** State */
            state: string;
            /** Original */
            original: string;
            /**
             * Unlike
             * @description What of then cannot be had again exactly, in words.
             */
            unlike: string[];
        };
        /** ReplaySummary */
        ReplaySummary: {
            /** Run Id */
            run_id: string;
            /** State */
            state: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /** ReplayedView */
        ReplayedView: {
            /** Run Id */
            run_id: string;
            /** Treatment */
            treatment: string;
        };
        /**
         * RepositoryBody
         * @description `kind` is needed for code hosts other than the public ones.
         *
         *     `token` administers the repository's webhooks, reads its commits, and writes statuses and comments. It is stored
         *     encrypted and never shown. With `app` a GitHub App of the project takes its place.
         */
        RepositoryBody: {
            /** Project */
            project: string;
            /** Url */
            url: string;
            /**
             * Token
             * @default null
             */
            token: string | null;
            /**
             * App
             * @description The id of a GitHub App of the project, instead of a token.
             * @default null
             */
            app: string | null;
            /**
             * Kind
             * @default null
             */
            kind: ("github" | "gitlab" | "gitea" | "bitbucket") | null;
            /**
             * Forks
             * @description What pull requests from forks start: the pipelines of the branch that they are for (`approval`: once a comment has approved the commit; `first-time`: the same, but only for authors who have not contributed before), or nothing.
             * @default base
             * @enum {string}
             */
            forks: "base" | "approval" | "first-time" | "nothing";
            /**
             * Public Url
             * @description The address at which the code host reaches this API; by default the one of this request.
             * @default null
             */
            public_url: string | null;
        };
        /** RepositoryCheckView */
        RepositoryCheckView: {
            /** Name */
            name: string;
            /** Ok */
            ok: boolean;
            /** Message */
            message: string;
        };
        /** RepositoryChecksView */
        RepositoryChecksView: {
            /** Ok */
            ok: boolean;
            /** Checks */
            checks: components["schemas"]["RepositoryCheckView"][];
        };
        /** RepositoryDeliveryList */
        RepositoryDeliveryList: {
            /** Items */
            items: components["schemas"]["RepositoryDeliveryView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** RepositoryDeliveryView */
        RepositoryDeliveryView: {
            /** Id */
            id: string;
            /**
             * Received At
             * Format: date-time
             */
            received_at: string;
            /** Event */
            event: string;
            /** Ref */
            ref: string;
            /** Commit */
            commit: string;
            /** Outcome */
            outcome: string;
            /** Runs */
            runs: string[];
        };
        /** RepositoryList */
        RepositoryList: {
            /** Items */
            items: components["schemas"]["RepositoryView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** RepositoryView */
        RepositoryView: {
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Project */
            project: string;
            /**
             * Name
             * @description Its full name on the code host.
             */
            name: string;
            /** Url */
            url: string;
            /** Default Branch */
            default_branch: string;
            /** Forks */
            forks: string;
            /** Webhook Url */
            webhook_url: string;
            /**
             * Webhook Id
             * @description The code host's id of the webhook; null while it is missing, and with an App.
             */
            webhook_id: string | null;
            /**
             * App
             * @description The id of the GitHub App that it is connected with; null with a token.
             */
            app: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /**
         * RerunBody
         * @description Selects what runs again.
         *
         *     `all`, or nothing: everything; `failed`: what did not succeed and what depends on it; names: these as well.
         */
        RerunBody: {
            /** From */
            from?: ("all" | "failed") | string[];
        };
        /**
         * ResourceSampleView
         * @description Since the start: CPU time, and bytes read, written, received and sent.
         *
         *     At that moment: memory, disk and processes.
         */
        ResourceSampleView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Cpu Ms */
            cpu_ms: number;
            /** Memory */
            memory: number;
            /** Read Bytes */
            read_bytes: number;
            /** Write Bytes */
            write_bytes: number;
            /** Processes */
            processes: number;
            /** Rx Bytes */
            rx_bytes: number | null;
            /** Tx Bytes */
            tx_bytes: number | null;
            /** Disk Bytes */
            disk_bytes: number | null;
            /**
             * Shared Network
             * @description Whether what others on the machine received and sent is counted as well.
             */
            shared_network: boolean;
        };
        /** ResourcesView */
        ResourcesView: {
            /** Attempt */
            attempt: number;
            /** Samples */
            samples: components["schemas"]["ResourceSampleView"][];
            limits: components["schemas"]["LimitsView"];
        };
        /** RetentionBody */
        RetentionBody: {
            /**
             * Days
             * @description 1 to what the installation keeps; null: as long as the installation does.
             */
            days: number | null;
        };
        /**
         * RetentionView
         * @description `days` is what applies, `own` what was set for the project, `longest` the installation's limit.
         */
        RetentionView: {
            /** Days */
            days: number;
            /** Own */
            own: number | null;
            /** Longest */
            longest: number;
            /**
             * Holds
             * @description Legal holds that are on: what they cover is kept whatever the days are.
             */
            holds: number;
        };
        /**
         * RetryView
         * @description Further attempts by cause; waits in seconds.
         */
        RetryView: {
            /** Infrastructure */
            infrastructure: number;
            /** Failure */
            failure: number;
            /** Timeout */
            timeout: number;
            /** Exit Codes */
            exit_codes: number[];
            /** Wait */
            wait: number;
            /** Max Wait */
            max_wait: number;
        };
        /** RevivedView */
        RevivedView: {
            /** Redriven */
            redriven: number;
        };
        /** RightView */
        RightView: {
            /** Grant Id */
            grant_id: string;
            /**
             * Subject
             * @description The member itself, or the team through which it has the grant.
             */
            subject: string;
            /** Role */
            role: string;
            /** Scope */
            scope: string;
            /**
             * Permitted
             * @description Whether the role has the permission.
             */
            permitted: boolean;
            /**
             * Covered
             * @description Whether the scope covers the thing.
             */
            covered: boolean;
        };
        /** RoleBody */
        RoleBody: {
            /** Permissions */
            permissions: string[];
        };
        /** RoleList */
        RoleList: {
            /** Items */
            items: components["schemas"]["RoleView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** RoleView */
        RoleView: {
            /** Name */
            name: string;
            /** Built In */
            built_in: boolean;
            /** Permissions */
            permissions: string[];
        };
        /**
         * RotateAppBody
         * @description Without `private_key` (PEM) the key stays, and only the webhook's secret is renewed.
         */
        RotateAppBody: {
            /**
             * Private Key
             * @default null
             */
            private_key: string | null;
        };
        /**
         * RotateBody
         * @description Without `token` the token stays, and only the webhook's secret is renewed.
         */
        RotateBody: {
            /**
             * Token
             * @default null
             */
            token: string | null;
        };
        /**
         * RuleBody
         * @description `rule` is checked against the schema at `/v1/schemas/alert-rule/1`.
         */
        RuleBody: {
            /** Rule */
            rule: {
                [key: string]: unknown;
            };
        };
        /** RuleList */
        RuleList: {
            /** Items */
            items: components["schemas"]["RuleView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** RuleView */
        RuleView: {
            /** Project */
            project: string;
            /** Name */
            name: string;
            /**
             * Rule
             * @description The rule as it was written.
             */
            rule: {
                [key: string]: unknown;
            };
            /**
             * Revision
             * @description Grows whenever what the rule looks for changes.
             */
            revision: number;
            /** Open Alerts */
            open_alerts: number;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** Updated By */
            updated_by: string;
        };
        /**
         * RunAbout
         * @description A run that a trace leads through.
         */
        RunAbout: {
            /** Pipeline */
            pipeline: string;
            /** Version */
            version: number | null;
            /** State */
            state: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Parameters */
            parameters: {
                [key: string]: unknown;
            };
            /** Event */
            event: {
                [key: string]: unknown;
            };
        };
        /**
         * RunChangesView
         * @description Replace what you have by what is here, by name. The same change may come again.
         */
        RunChangesView: {
            run: components["schemas"]["RunView"];
            /**
             * Treatments
             * @description Those that changed.
             */
            treatments: components["schemas"]["TreatmentSummary"][];
            /**
             * Reload
             * @description So many treatments changed that the run is to be read again.
             */
            reload: boolean;
            /**
             * After
             * @description The position to go on from.
             */
            after: string;
        };
        /** RunCostView */
        RunCostView: {
            /** Run Id */
            run_id: string;
            /** Totals */
            totals: components["schemas"]["TotalView"][];
            /** Treatments */
            treatments: components["schemas"]["TreatmentCostView"][];
        };
        /** RunCount */
        RunCount: {
            /** State */
            state: string;
            /** Runs */
            runs: number;
        };
        /** RunCounts */
        RunCounts: {
            /**
             * Counts
             * @description Of the states that some runs are in.
             */
            counts: components["schemas"]["RunCount"][];
            /**
             * Complete
             * @description False: there were more runs than one request reads; older ones are not counted.
             */
            complete: boolean;
            /**
             * Reached
             * @description When the oldest run that was read was created; null if all were.
             */
            reached: string | null;
        };
        /**
         * RunDataView
         * @description What lies where, and who read it.
         */
        RunDataView: {
            /** Run Id */
            run_id: string;
            /** Project */
            project: string;
            /** Data */
            data: components["schemas"]["LocatedDataView"][];
            /**
             * Data Complete
             * @description False if a bucket has more objects than were listed.
             */
            data_complete: boolean;
            /**
             * Reads
             * @description The newest first; the audit log is kept for a year.
             */
            reads: components["schemas"]["DataReadView"][];
            /**
             * Reads Complete
             * @description False if the audit log has more entries than were read.
             */
            reads_complete: boolean;
        };
        /**
         * RunDiffView
         * @description Two runs: `then` is the one in front, `now` the other.
         */
        RunDiffView: {
            /**
             * Words
             * @description The result in one sentence.
             */
            words: string;
            /**
             * Replay
             * @description One is a replay of a treatment of the other; only that treatment is compared.
             */
            replay: boolean;
            then: components["schemas"]["RunView"];
            now: components["schemas"]["RunView"];
            /** Changed */
            changed: components["schemas"]["ChangedFactView"][];
            /** @description The first treatment, each after those that it depends on, that differs although nothing sent to it explains it. */
            divergence: components["schemas"]["TreatmentDiffView"] | null;
            /**
             * Ended Otherwise
             * @description The first treatment that ended otherwise.
             */
            ended_otherwise: string | null;
            content: components["schemas"]["DiffContentView"] | null;
            /**
             * Runners
             * @description Of the divergence: then and now.
             */
            runners: (components["schemas"]["DiffRunnerView"] | null)[];
            /**
             * Counts
             * @description Treatments of both runs, by `standing`.
             */
            counts: {
                [key: string]: number;
            };
            /**
             * Treatments
             * @description At most 500 that differ or were changed, in order.
             */
            treatments: components["schemas"]["TreatmentDiffView"][];
            /**
             * More
             * @description How many treatments that differ are not listed.
             */
            more: number;
            /**
             * Only Then
             * @description At most 500 treatments that only the first run has.
             */
            only_then: string[];
            /**
             * Only Now
             * @description At most 500 treatments that only the other run has.
             */
            only_now: string[];
            /**
             * Durations
             * @description The ten whose times differ most.
             */
            durations: components["schemas"]["DurationDiffView"][];
        };
        /** RunHistoryView */
        RunHistoryView: {
            /**
             * Treatments
             * @description By name.
             */
            treatments: components["schemas"]["TreatmentStatesView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end.
             */
            next: string | null;
        };
        /** RunList */
        RunList: {
            /** Items */
            items: components["schemas"]["RunView"][];
            /**
             * Version
             * @description Of the first page, to wait for another one; null on others.
             */
            version: string | null;
            /**
             * Next
             * @description The cursor of the next page, null at the end.
             */
            next: string | null;
        };
        /** RunTestsView */
        RunTestsView: {
            counts: components["schemas"]["CaseCountsView"];
            /** Treatments */
            treatments: components["schemas"]["TreatmentTestsView"][];
            /**
             * Items
             * @description Tests of the last attempts, selected by `outcome`.
             */
            items: components["schemas"]["CaseView"][];
            /** Next */
            next: string | null;
        };
        /** RunView */
        RunView: {
            /** Run Id */
            run_id: string;
            /** Project */
            project: string;
            /** Pipeline */
            pipeline: string;
            /** Pipeline Version */
            pipeline_version: number | null;
            /** State */
            state: string;
            /**
             * Cause
             * @description Why it ended as it did, if it did not simply succeed.
             */
            cause: string | null;
            /**
             * Soft Failures
             * @description Treatments that failed without failing it; known once it has ended.
             */
            soft_failures: number;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Starter
             * @description The sender of the git host's event, else the same as `created_by`.
             */
            starter: string;
            /**
             * Branch
             * @description Of the commit that it is for; null without an event of a git host.
             */
            branch: string | null;
            /** Commit */
            commit: string | null;
            /**
             * Commit Message
             * @description Its first line, or the title of the pull request.
             */
            commit_message: string | null;
            /**
             * Started By Run
             * @description The run whose end, or whose treatment, started this one.
             */
            started_by_run: string | null;
            /**
             * Started By Treatment
             * @description The treatment there that started it; null for the run's end.
             */
            started_by_treatment: string | null;
            /**
             * Generated
             * @description It is a part of the run that started it, with a document that a treatment there sent.
             */
            generated: boolean;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /**
             * Rerun Of
             * @description The earlier run that it took values over from.
             */
            rerun_of: string | null;
            /** @description The treatment that it replays, only to be compared. */
            replay_of: components["schemas"]["ReplayedView"] | null;
            /**
             * Waiting For
             * @description What holds the run back as a whole, in words.
             */
            waiting_for: string | null;
            /** Concurrency Group */
            concurrency_group: string | null;
            /** Priority */
            priority: number;
            /** @description Of a run that is a process of a Mélodium engine. */
            melodium: components["schemas"]["MelodiumView"] | null;
        };
        /** RunWithTreatments */
        RunWithTreatments: {
            /** Run Id */
            run_id: string;
            /** Project */
            project: string;
            /** Pipeline */
            pipeline: string;
            /** Pipeline Version */
            pipeline_version: number | null;
            /** State */
            state: string;
            /**
             * Cause
             * @description Why it ended as it did, if it did not simply succeed.
             */
            cause: string | null;
            /**
             * Soft Failures
             * @description Treatments that failed without failing it; known once it has ended.
             */
            soft_failures: number;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /**
             * Starter
             * @description The sender of the git host's event, else the same as `created_by`.
             */
            starter: string;
            /**
             * Branch
             * @description Of the commit that it is for; null without an event of a git host.
             */
            branch: string | null;
            /** Commit */
            commit: string | null;
            /**
             * Commit Message
             * @description Its first line, or the title of the pull request.
             */
            commit_message: string | null;
            /**
             * Started By Run
             * @description The run whose end, or whose treatment, started this one.
             */
            started_by_run: string | null;
            /**
             * Started By Treatment
             * @description The treatment there that started it; null for the run's end.
             */
            started_by_treatment: string | null;
            /**
             * Generated
             * @description It is a part of the run that started it, with a document that a treatment there sent.
             */
            generated: boolean;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /**
             * Rerun Of
             * @description The earlier run that it took values over from.
             */
            rerun_of: string | null;
            /** @description The treatment that it replays, only to be compared. */
            replay_of: components["schemas"]["ReplayedView"] | null;
            /**
             * Waiting For
             * @description What holds the run back as a whole, in words.
             */
            waiting_for: string | null;
            /** Concurrency Group */
            concurrency_group: string | null;
            /** Priority */
            priority: number;
            /** @description Of a run that is a process of a Mélodium engine. */
            melodium: components["schemas"]["MelodiumView"] | null;
            /**
             * Created By Name
             * @description The name of the member that `created_by` is; empty if it is none.
             */
            created_by_name: string;
            /** Document Sha256 */
            document_sha256: string;
            /** Parameters */
            parameters: {
                [key: string]: unknown;
            };
            /** Event */
            event: {
                [key: string]: unknown;
            };
            /** Max Duration */
            max_duration: number;
            /**
             * Treatments
             * @description At most 2,000, by name; a long `cause` is cut.
             */
            treatments: components["schemas"]["TreatmentSummary"][];
            /**
             * Next
             * @description The cursor of the treatments' next page, null at the end.
             */
            next: string | null;
        };
        /** RunnerList */
        RunnerList: {
            /** Items */
            items: components["schemas"]["ActiveRunnerView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** RunnerView */
        RunnerView: {
            /** Runner Id */
            runner_id: string;
            /** Attempt */
            attempt: number;
            /** State */
            state: string;
            /** Pool */
            pool: string;
            /** Provider */
            provider: string;
            /** Host Id */
            host_id: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Booting At */
            booting_at: string | null;
            /** Claimed At */
            claimed_at: string | null;
            /**
             * Phase
             * @description What it was last doing: booting, pulling, reading, running, uploading…
             */
            phase: string | null;
            /**
             * Boot Phases
             * @description Its machine's report of its boot: seconds until each phase.
             */
            boot_phases: {
                [key: string]: number;
            };
            /**
             * Offer
             * @description What its infrastructure sold it as, once that is known.
             */
            offer: string | null;
            /**
             * Per Hour
             * @description What an hour of it costs; null if no price is known.
             */
            per_hour: number | null;
            /** Currency */
            currency: string | null;
            /**
             * Facts
             * @description The runner's report of itself: system, architecture, tools.
             */
            facts: {
                [key: string]: unknown;
            };
            /**
             * Image Digest
             * @description Of the image that the command ran in, once it has ended.
             */
            image_digest: string | null;
        };
        /**
         * ScimBody
         * @description A document of SCIM. Attributes that are not kept are ignored.
         */
        ScimBody: {
            /** Schemas */
            schemas?: string[];
        } & {
            [key: string]: unknown;
        };
        /**
         * ScimDocument
         * @description A document of SCIM; its attributes are those of its `schemas`.
         */
        ScimDocument: {
            /** Schemas */
            schemas: string[];
        } & {
            [key: string]: unknown;
        };
        /**
         * ScimError
         * @description An error of SCIM (RFC 7644, 3.12).
         */
        ScimError: {
            /** Schemas */
            schemas: string[];
            /** Status */
            status: string;
            /** Detail */
            detail: string;
        } & {
            [key: string]: unknown;
        };
        /** SecretBody */
        SecretBody: {
            /**
             * Value
             * @description At most 64 KiB of UTF-8 text. Either this or a `source` is required.
             * @default null
             */
            value: string | null;
            /** @default null */
            source: components["schemas"]["SecretSourceBody"] | null;
            /**
             * Environment
             * @description Binds the secret to an environment: only treatments of that environment receive it. `null` ends that; without this member the secret stays bound as it is.
             * @default null
             */
            environment: string | null;
        };
        /** SecretList */
        SecretList: {
            /** Items */
            items: components["schemas"]["SecretView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * SecretSourceBody
         * @description Where the value is read, each time that a runner claims a treatment with the secret. It is not stored.
         */
        SecretSourceBody: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "aws-secrets-manager" | "aws-parameter-store" | "vault";
            /**
             * Name
             * @description The name of the secret or parameter, or the path below the mount.
             */
            name: string;
            /**
             * Field
             * @description A member of the JSON object there; required for `vault`.
             * @default null
             */
            field: string | null;
            /**
             * @description For `vault` only.
             * @default null
             */
            vault: components["schemas"]["VaultBody"] | null;
        };
        /** SecretSourceView */
        SecretSourceView: {
            /** Kind */
            kind: string;
            /** Name */
            name: string;
            /** Field */
            field: string | null;
            vault: components["schemas"]["VaultView"] | null;
        };
        /** SecretView */
        SecretView: {
            /** Name */
            name: string;
            /** Version */
            version: number;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** @description Where the value is read; `null` if Cadence keeps it. */
            source: components["schemas"]["SecretSourceView"] | null;
            /**
             * Environment
             * @description The environment that it is bound to, if any.
             */
            environment: string | null;
            /**
             * Owner
             * @description `project`, `organization`, `team:NAME` or `pool:NAME`; guests get no names.
             */
            owner: string;
        };
        /** SelfGrantView */
        SelfGrantView: {
            /** Subject */
            subject: string;
            /** Role */
            role: string;
            /** Scope */
            scope: string;
        };
        /** SelfView */
        SelfView: {
            /** Organization */
            organization: string;
            /**
             * Subject
             * @description `member:ID` or `service-account:NAME`; null for a token of its own.
             */
            subject: string | null;
            /** Name */
            name: string;
            /** Token Id */
            token_id: string;
            /**
             * Project
             * @description The project that the token is limited to, or `*`.
             */
            project: string;
            /**
             * Permissions
             * @description Permissions that the token is limited to, or `*`.
             */
            permissions: string[];
            /**
             * Held
             * @description The permissions that it has anywhere, by the token and its subject's grants.
             */
            held: string[];
            /**
             * Grants
             * @description What is granted to the subject; null for no subject.
             */
            grants: components["schemas"]["SelfGrantView"][] | null;
        };
        /**
         * SentKit
         * @description What the original sent, for comparison.
         */
        SentKit: {
            /**
             * Sha256
             * @description Null where its pool lets no digest stay.
             */
            sha256: string | null;
            /** Size */
            size: number;
            /**
             * Not Kept
             * @description Why its content is not to be had.
             */
            not_kept: string | null;
        };
        /** SentValueList */
        SentValueList: {
            /** Items */
            items: components["schemas"]["SentValueView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end.
             */
            next: string | null;
        };
        /** SentValueView */
        SentValueView: {
            /** Treatment */
            treatment: string;
            /** Port */
            port: string;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /** Size */
            size: number;
            /**
             * Sha256
             * @description Null if its pool keeps no digests.
             */
            sha256: string | null;
            /**
             * Kept
             * @description Whether its content can be downloaded, as far as its pool says.
             */
            kept: boolean;
            /** Created At */
            created_at: string | null;
        };
        /** SentView */
        SentView: {
            /** Sha256 */
            sha256: string;
            /** Size */
            size: number;
        };
        /** ServiceAccountBody */
        ServiceAccountBody: {
            /**
             * Description
             * @default
             */
            description: string;
        };
        /** ServiceAccountList */
        ServiceAccountList: {
            /** Items */
            items: components["schemas"]["ServiceAccountView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** ServiceAccountTokenBody */
        ServiceAccountTokenBody: {
            /** Name */
            name: string;
            /**
             * Expires In
             * @description Seconds; without it the token does not expire.
             * @default null
             */
            expires_in: number | null;
        };
        /** ServiceAccountView */
        ServiceAccountView: {
            /** Name */
            name: string;
            /** Description */
            description: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /**
         * ServiceView
         * @description A container beside the command, reachable by its name.
         */
        ServiceView: {
            /** Name */
            name: string;
            /** Image */
            image: string;
            /** Env */
            env: {
                [key: string]: string;
            };
            /** Ports */
            ports: number[];
        };
        /** SharedSecretBody */
        SharedSecretBody: {
            /**
             * Value
             * @description At most 64 KiB of UTF-8 text. Either this or a `source` is required.
             * @default null
             */
            value: string | null;
            /** @default null */
            source: components["schemas"]["SecretSourceBody"] | null;
            /**
             * Projects
             * @description The projects that it is given to, or `*` for all. Without this member it stays given to those that it is given to. A new one of the organization is then given to all; of a team, it is required.
             * @default null
             */
            projects: string[] | null;
        };
        /** SharedSecretList */
        SharedSecretList: {
            /** Items */
            items: components["schemas"]["SharedSecretView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** SharedSecretView */
        SharedSecretView: {
            /** Name */
            name: string;
            /** Version */
            version: number;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** @description Where the value is read; `null` if Cadence keeps it. */
            source: components["schemas"]["SecretSourceView"] | null;
            /**
             * Environment
             * @description The environment that it is bound to, if any.
             */
            environment: string | null;
            /**
             * Owner
             * @description `project`, `organization`, `team:NAME` or `pool:NAME`; guests get no names.
             */
            owner: string;
            /**
             * Projects
             * @description The projects that it is given to (`*`: all); empty for a pool's, which reaches what runs there.
             */
            projects: string[];
        };
        /** SharedView */
        SharedView: {
            /**
             * Organization
             * @description Sent as the header `Cadence-Organization`, it is the one acted in.
             */
            organization: string;
            /** Team */
            team: string;
            /** Role */
            role: string;
            /** Scope */
            scope: string;
        };
        /** ShellView */
        ShellView: {
            /** Shell Id */
            shell_id: string;
            /** Run Id */
            run_id: string;
            /** Runner Id */
            runner_id: string;
            /** Attempt */
            attempt: number;
            /**
             * Tunnel
             * @description The WebSocket address where the user and the runner meet; a path is below this address. docs/architecture/runner-protocol.md describes the protocol.
             */
            tunnel: string;
        };
        /** SignInCodeView */
        SignInCodeView: {
            /**
             * Code
             * @description Opens one session. It belongs in the fragment of a link: `/ui/#code=…`.
             */
            code: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
        };
        /** SignInWayView */
        SignInWayView: {
            /** Name */
            name: string;
            /** Issuer */
            issuer: string;
            /** Client Id */
            client_id: string;
            /** Scopes */
            scopes: string[];
        };
        /** SignInWays */
        SignInWays: {
            /** Items */
            items: components["schemas"]["SignInWayView"][];
            /**
             * Directories
             * @description Names of LDAP servers, for `POST /v1/sign-in/directory`.
             */
            directories: string[];
        };
        /**
         * SilenceBody
         * @description `where` holds patterns of labels (`rule` is one); all have to match, and none silences everything.
         *
         *     Times as RFC 3339.
         */
        SilenceBody: {
            /** Project */
            project: string;
            /** Where */
            where?: {
                [key: string]: string;
            };
            /**
             * Starts At
             * @default null
             */
            starts_at: string | null;
            /**
             * Ends At
             * Format: date-time
             */
            ends_at: string;
            /**
             * Comment
             * @default
             */
            comment: string;
        };
        /** SilenceList */
        SilenceList: {
            /** Items */
            items: components["schemas"]["SilenceView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** SilenceView */
        SilenceView: {
            /** Id */
            id: string;
            /** Project */
            project: string;
            /** Where */
            where: {
                [key: string]: string;
            };
            /**
             * Starts At
             * Format: date-time
             */
            starts_at: string;
            /**
             * Ends At
             * Format: date-time
             */
            ends_at: string;
            /** Comment */
            comment: string;
            /** Created By */
            created_by: string;
            /**
             * Created By Name
             * @description The name of the member that `created_by` is; empty if it is none.
             */
            created_by_name: string;
        };
        /**
         * SpecView
         * @description The treatment's specification.
         *
         *     `secrets` maps environment variables to names of secrets; cpu in millicores, memory and storage in MB, times in
         *     seconds.
         */
        SpecView: {
            /**
             * Kind
             * @description command, gather (a matrix), each, trigger, or element (inside of an engine).
             */
            kind: string;
            /**
             * Run
             * @description The script; empty where there are steps.
             */
            run: string;
            /** Steps */
            steps: components["schemas"]["StepSpecView"][];
            /** Shell */
            shell: string;
            /** Image */
            image: string | null;
            /** Env */
            env: {
                [key: string]: string;
            };
            /** Secrets */
            secrets: {
                [key: string]: string;
            };
            /** Environment */
            environment: string | null;
            /** Services */
            services: components["schemas"]["ServiceView"][];
            /** Volumes */
            volumes: {
                [key: string]: string;
            };
            /**
             * Caches
             * @description Their keys.
             */
            caches: string[];
            /** Stdin */
            stdin: string | null;
            /** Stdout */
            stdout: string | null;
            /** Pools */
            pools: string[];
            /** Cpu */
            cpu: number | null;
            /** Memory */
            memory: number | null;
            /** Storage */
            storage: number | null;
            /** Arch */
            arch: string | null;
            /**
             * Residency
             * @description Where it may run; empty for anywhere.
             */
            residency: string[];
            /** Max Duration */
            max_duration: number;
            /** After */
            after: string[];
            /** When */
            when: string | null;
            /**
             * Group
             * @description The treatment whose instance this is.
             */
            group: string | null;
            /**
             * Matrix
             * @description An instance's own values.
             */
            matrix: {
                [key: string]: unknown;
            };
            retry: components["schemas"]["RetryView"];
            element: components["schemas"]["ElementView"] | null;
        };
        /**
         * SpendingView
         * @description Amounts of the budget of a calendar month (UTC).
         */
        SpendingView: {
            /**
             * Month
             * @description As `2024-01`.
             */
            month: string;
            /**
             * Per Month
             * @description The budget.
             */
            per_month: number;
            /**
             * Spent
             * @description What runners that have ended have cost.
             */
            spent: number;
            /**
             * Set Aside
             * @description What active runners could cost at most; the rest is given back at their end.
             */
            set_aside: number;
            /** Currency */
            currency: string;
        };
        /** StackTraceView */
        StackTraceView: {
            /** Language */
            language: string;
            /** Error */
            error: string;
            /** Message */
            message: string;
            /** First */
            first: string;
            /** Last */
            last: string;
            /** Text */
            text: string[];
            /** Frames */
            frames: components["schemas"]["FrameView"][];
            caused_by: components["schemas"]["RaisedView"] | null;
            /** @description Where to look first. */
            place: components["schemas"]["FrameView"] | null;
        };
        /**
         * StandingView
         * @description `pending` counts what is kept until the receiver accepts it, `dead` what was given up.
         *
         *     `error` is the last refusal.
         */
        StandingView: {
            /**
             * Failing
             * @description The receiver accepts nothing: data is kept, or refused for good.
             */
            failing: boolean;
            /** Failing Since */
            failing_since: string | null;
            /** Error */
            error: string | null;
            /**
             * Retry At
             * @description Null if nothing is kept, as data that is refused for good.
             */
            retry_at: string | null;
            /** Delivered At */
            delivered_at: string | null;
            /** Pending */
            pending: number;
            /** Dead */
            dead: number;
        };
        /**
         * StartBody
         * @description The values of the pipeline's parameters.
         */
        StartBody: {
            /** Parameters */
            parameters?: {
                [key: string]: unknown;
            };
            /**
             * Version
             * @default null
             */
            version: number | null;
        };
        /**
         * StartDocumentBody
         * @description A document to run once, and the values of its parameters.
         *
         *     `source` are the files that treatments with `source: true` receive: a tar archive, compressed with gzip (at most 3.5
         *     MiB) and encoded in base64.
         */
        StartDocumentBody: {
            /** Document */
            document: string | {
                [key: string]: unknown;
            };
            /** Parameters */
            parameters?: {
                [key: string]: unknown;
            };
            /**
             * Programs
             * @description Programs that are no stored ones, by what the document calls them.
             */
            programs?: {
                [key: string]: components["schemas"]["ProgramBody"];
            };
            /**
             * Path
             * @description The document's own path from the root of its repository, if it uses definitions of other files there.
             * @default null
             */
            path: string | null;
            /**
             * Libraries
             * @description The other files of its repository whose definitions it uses: their texts, by their paths from the root.
             */
            libraries?: {
                [key: string]: string;
            };
            /**
             * Source
             * @default null
             */
            source: string | null;
        };
        /** StartedView */
        StartedView: {
            /** Run Id */
            run_id: string;
            /** State */
            state: string;
        };
        /**
         * StateSinceView
         * @description From `at` on, `attempt` was in `state`.
         */
        StateSinceView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Attempt */
            attempt: number;
            /** State */
            state: string;
        };
        /**
         * StepSpecView
         * @description A named part of the treatment's work: its script, the program that reads it, and variables of its own.
         */
        StepSpecView: {
            /** Name */
            name: string;
            /** Run */
            run: string;
            /** Shell */
            shell: string;
            /** Env */
            env: {
                [key: string]: string;
            };
            /**
             * Always
             * @description Whether it is run although an earlier step failed.
             */
            always: boolean;
            /**
             * On Failure
             * @description Whether it is run only if an earlier step failed.
             */
            on_failure: boolean;
            /**
             * Soft Fail
             * @description Whether its failure fails nothing.
             */
            soft_fail: boolean;
        };
        /**
         * StepView
         * @description A step in the shown attempt. `number` counts from 1, as `step` of log lines does.
         */
        StepView: {
            /** Number */
            number: number;
            /** Name */
            name: string;
            /** State */
            state: string;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /** Exit Code */
            exit_code: number | null;
            /**
             * Soft Fail
             * @description Whether its failure fails nothing.
             */
            soft_fail: boolean;
        };
        /** StorageBody */
        StorageBody: {
            /**
             * Mebibytes
             * @description 1 to what the installation allows; null: as much as that.
             */
            mebibytes: number | null;
        };
        /**
         * StorageView
         * @description Sizes in bytes: `limit` is what applies, `own` what was set for the project, `most` the installation's limit.
         */
        StorageView: {
            /**
             * Used
             * @description What the values of the project's runs take.
             */
            used: number;
            /** Limit */
            limit: number;
            /** Own */
            own: number | null;
            /** Most */
            most: number;
        };
        /**
         * StoredPersonView
         * @description What is stored of a person, and what an erasure would leave.
         */
        StoredPersonView: {
            /** Member Id */
            member_id: string;
            /**
             * Name
             * @description Null if only tokens, grants or invitations are left of the member.
             */
            name: string | null;
            /** Email */
            email: string | null;
            /**
             * Counts
             * @description What an erasure removes, by kind.
             */
            counts: {
                [key: string]: number;
            };
            /**
             * Stays
             * @description What an erasure leaves, and why.
             */
            stays: string[];
        };
        /** StreamReaderView */
        StreamReaderView: {
            /** Treatment */
            treatment: string;
            /**
             * Behind
             * @description Bytes that were sent and that it does not have yet.
             */
            behind: number;
        };
        /** SummaryList */
        SummaryList: {
            /**
             * Items
             * @description By treatment.
             */
            items: components["schemas"]["SummaryView"][];
            /**
             * Next
             * @description The cursor of the next page, null at the end.
             */
            next: string | null;
        };
        /** SummaryView */
        SummaryView: {
            /** Treatment */
            treatment: string;
            /** Attempt */
            attempt: number;
            /**
             * Text
             * @description Markdown as the treatment wrote it, masked: at most 30,000 characters.
             */
            text: string;
        };
        /** SweepView */
        SweepView: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /**
             * Seen
             * @description Machines in the infrastructure's own inventory.
             */
            seen: number;
            /**
             * Ended
             * @description Of these, the ones that belonged to no run and were ended.
             */
            ended: number;
        };
        /** TeamBody */
        TeamBody: {
            /**
             * Description
             * @default
             */
            description: string;
            /**
             * Group
             * @default null
             */
            group: string | null;
            /**
             * Group Source
             * @default null
             */
            group_source: string | null;
        };
        /** TeamDetailView */
        TeamDetailView: {
            /** Name */
            name: string;
            /** Description */
            description: string;
            /**
             * Group
             * @description The group whose members belong to the team.
             */
            group: string | null;
            /**
             * Group Source
             * @description Whose group it is: `identity-provider:NAME`, `directory:NAME` or `scim`; null for anyone's.
             */
            group_source: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Members */
            members: components["schemas"]["MemberView"][];
        };
        /** TeamList */
        TeamList: {
            /** Items */
            items: components["schemas"]["TeamView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /** TeamView */
        TeamView: {
            /** Name */
            name: string;
            /** Description */
            description: string;
            /**
             * Group
             * @description The group whose members belong to the team.
             */
            group: string | null;
            /**
             * Group Source
             * @description Whose group it is: `identity-provider:NAME`, `directory:NAME` or `scim`; null for anyone's.
             */
            group_source: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
        };
        /** TestView */
        TestView: {
            /** Message Id */
            message_id: string;
            /**
             * Channels
             * @description The channels that get the message.
             */
            channels: string[];
        };
        /**
         * TimesView
         * @description Seconds; null for what an attempt has not reached, or what is not known.
         *
         *     What is going on is counted until now.
         */
        TimesView: {
            /**
             * Waited
             * @description Until its inputs were there; of the first attempt.
             */
            waited: number | null;
            /**
             * Queued
             * @description Until its runner began to be made; with approvals and waiting for a free place.
             */
            queued: number | null;
            /**
             * Booted
             * @description Until the runner called home.
             */
            booted: number | null;
            /** Ran */
            ran: number | null;
        };
        /**
         * TokenBody
         * @description `permissions` are names such as `runs:start`, or `*` for all.
         *
         *     A token grants no permission that it does not have.
         */
        TokenBody: {
            /** Name */
            name: string;
            /**
             * Project
             * @default *
             */
            project: string;
            /** Permissions */
            permissions: string[];
            /**
             * Expires In
             * @description Seconds. It ends with the token that it is created with, if that is earlier.
             * @default null
             */
            expires_in: number | null;
        };
        /** TokenList */
        TokenList: {
            /** Items */
            items: components["schemas"]["TokenView"][];
            /**
             * Next
             * @default null
             */
            next: string | null;
        };
        /**
         * TokenPolicyBody
         * @description Days that a token may live that is created from now on; null for tokens without an end.
         */
        TokenPolicyBody: {
            /** Longest Days */
            longest_days: number | null;
        };
        /** TokenPolicyView */
        TokenPolicyView: {
            /** Longest Days */
            longest_days: number | null;
        };
        /** TokenView */
        TokenView: {
            /** Token Id */
            token_id: string;
            /** Name */
            name: string;
            /**
             * Project
             * @description A project, or `*` for all of the organization.
             */
            project: string;
            /** Permissions */
            permissions: string[];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: string | null;
            /**
             * Subject
             * @description The member or service account with whose grants the token acts.
             */
            subject: string | null;
            /**
             * Made With
             * @description The token that it was created with, and ends with.
             */
            made_with: string | null;
            /**
             * Last Used At
             * @description When it was last accepted, to the hour; null if it never was.
             */
            last_used_at: string | null;
        };
        /** TokenWithSecretView */
        TokenWithSecretView: {
            /** Token Id */
            token_id: string;
            /** Name */
            name: string;
            /**
             * Project
             * @description A project, or `*` for all of the organization.
             */
            project: string;
            /** Permissions */
            permissions: string[];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: string | null;
            /**
             * Subject
             * @description The member or service account with whose grants the token acts.
             */
            subject: string | null;
            /**
             * Made With
             * @description The token that it was created with, and ends with.
             */
            made_with: string | null;
            /**
             * Last Used At
             * @description When it was last accepted, to the hour; null if it never was.
             */
            last_used_at: string | null;
            /**
             * Token
             * @description What to send as `Authorization: Bearer`. It cannot be read again.
             */
            token: string;
        };
        /** TotalView */
        TotalView: {
            /** Currency */
            currency: string;
            /** Amount */
            amount: number;
        };
        /**
         * TraceView
         * @description `part` is the piece that the offset is in: its line, where there are lines.
         */
        TraceView: {
            /** Run Id */
            run_id: string;
            /** Offset */
            offset: number | null;
            origin: components["schemas"]["OriginView"];
            /** @default null */
            part: components["schemas"]["PartView"] | null;
        };
        /**
         * TracedLink
         * @description `effect` came of `cause`; both are ids of nodes.
         *
         *     `port` is the treatment's, or the name of the run's parameter.
         */
        TracedLink: {
            /** Effect */
            effect: string;
            /** Cause */
            cause: string;
            /** Kind */
            kind: string;
            /** Basis */
            basis: string;
            /** Port */
            port: string | null;
            /** Note */
            note: string | null;
            effect_part: components["schemas"]["PartView"] | null;
            cause_part: components["schemas"]["PartView"] | null;
        };
        /**
         * TracedNode
         * @description A node of a trace; which members it has depends on its kind. Previews have at most 256 characters.
         *
         *     `cut`: its neighbours are left out; request its own trace. `next`: the cursor of its further neighbours.
         */
        TracedNode: {
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Run Id */
            run_id: string | null;
            /** Treatment */
            treatment: string | null;
            /** Port */
            port: string | null;
            /** State */
            state: string | null;
            /** Attempt */
            attempt: number | null;
            /** Exit Code */
            exit_code: number | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /** Kept From */
            kept_from: string | null;
            runner: components["schemas"]["RunnerView"] | null;
            value: components["schemas"]["ValueView"] | null;
            /**
             * Type
             * @description The declared type of an output, whether it has a value or not.
             */
            type: string | null;
            /**
             * Unreported
             * @description The values that a Mélodium engine sent here without reporting them; 0 if there is a value.
             */
            unreported: number;
            part: components["schemas"]["PartView"] | null;
            run: components["schemas"]["RunAbout"] | null;
            cache: components["schemas"]["CacheAbout"] | null;
            line: components["schemas"]["LineAbout"] | null;
            pipeline: components["schemas"]["PipelineAbout"] | null;
            /** Cut */
            cut: boolean;
            /** Next */
            next: string | null;
        };
        /**
         * TreatmentCostView
         * @description The cost of all attempts together. `per_hour` was the price of the pool's runners when the treatment ended.
         */
        TreatmentCostView: {
            /** Treatment */
            treatment: string;
            /** Pool */
            pool: string;
            /** Provider */
            provider: string;
            /** Attempts */
            attempts: number;
            /** Seconds */
            seconds: number;
            /** Per Hour */
            per_hour: number;
            /** Amount */
            amount: number;
            /** Currency */
            currency: string;
        };
        /**
         * TreatmentDiffView
         * @description `definition` names what differs in its specification, `variables` those that it reads and that differ.
         */
        TreatmentDiffView: {
            /** Name */
            name: string;
            /**
             * Standing
             * @description `same`, `differs`, `follows`, `stopped`, `unknown` or `open`.
             */
            standing: string;
            /** Words */
            words: string;
            then: components["schemas"]["DiffSideView"];
            now: components["schemas"]["DiffSideView"];
            /** Inputs */
            inputs: components["schemas"]["PortDiffView"][];
            /** Outputs */
            outputs: components["schemas"]["PortDiffView"][];
            /** Definition */
            definition: string[];
            /** Variables */
            variables: string[];
        };
        /** TreatmentStatesView */
        TreatmentStatesView: {
            /** Name */
            name: string;
            /**
             * Changes
             * @description Every state of every attempt, in order.
             */
            changes: components["schemas"]["StateSinceView"][];
        };
        /** TreatmentSummary */
        TreatmentSummary: {
            /** Name */
            name: string;
            /** State */
            state: string;
            /** Attempt */
            attempt: number;
            /** Cause */
            cause: string | null;
            /**
             * Waiting For
             * @description What holds it back beside its inputs, in words.
             */
            waiting_for: string | null;
            /**
             * Kept From
             * @description The earlier run that its values were taken over from.
             */
            kept_from: string | null;
            /** Exit Code */
            exit_code: number | null;
            /**
             * Soft Failed
             * @description It failed, and this does not fail the run (`soft_fail`).
             */
            soft_failed: boolean;
            /** Pool */
            pool: string | null;
            /** Ready At */
            ready_at: string | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
        };
        /** TreatmentTestsView */
        TreatmentTestsView: {
            /** Treatment */
            treatment: string;
            /**
             * Run Id
             * @description The run that executed it: an earlier one if its values were taken over.
             */
            run_id: string;
            /**
             * Base Run
             * @description The run on the base branch that its failures were compared with.
             */
            base_run: string | null;
            /** @description Of the last attempt with a report that can be read. */
            counts: components["schemas"]["CaseCountsView"];
            /**
             * New Failures
             * @description The first 20.
             */
            new_failures: components["schemas"]["CaseNameView"][];
            /**
             * Flaky Failures
             * @description The first 20.
             */
            flaky_failures: components["schemas"]["CaseNameView"][];
            /** Attempts */
            attempts: components["schemas"]["AttemptTestsView"][];
        };
        /**
         * TreatmentView
         * @description A treatment as it is in its latest attempt, or was in the one that was asked for.
         *
         *     Of an earlier attempt, state, cause, exit code, pool, times, outputs and steps are its own.
         */
        TreatmentView: {
            /** Name */
            name: string;
            /** State */
            state: string;
            /** Attempt */
            attempt: number;
            /** Cause */
            cause: string | null;
            /**
             * Waiting For
             * @description What holds it back beside its inputs, in words.
             */
            waiting_for: string | null;
            /**
             * Kept From
             * @description The earlier run that its values were taken over from.
             */
            kept_from: string | null;
            /** Exit Code */
            exit_code: number | null;
            /**
             * Soft Failed
             * @description It failed, and this does not fail the run (`soft_fail`).
             */
            soft_failed: boolean;
            /** Pool */
            pool: string | null;
            /** Ready At */
            ready_at: string | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /** Run Id */
            run_id: string;
            /**
             * Latest Attempt
             * @description How many attempts there were; `attempt` is the one that is shown.
             */
            latest_attempt: number;
            /**
             * Placement
             * @description The pools that were considered for its latest attempt: those that fit in the order in which they were asked, then the others. Empty of an earlier attempt.
             */
            placement: components["schemas"]["ConsideredView"][];
            /**
             * Signal
             * @description That killed the command, or by its exit code one of its own commands.
             */
            signal: string | null;
            /** Placed At */
            placed_at: string | null;
            /** Failures */
            failures: number;
            /** Infrastructure Failures */
            infrastructure_failures: number;
            /** @description Of the shown attempt. */
            times: components["schemas"]["TimesView"];
            /**
             * History
             * @description Every state of every attempt, in order.
             */
            history: components["schemas"]["ChangeView"][];
            /**
             * Usage
             * @description Peaks and totals that the runner measured.
             */
            usage: {
                [key: string]: number;
            };
            approval: components["schemas"]["ApprovalView"] | null;
            /**
             * Started Run
             * @description The run of another pipeline that it started.
             */
            started_run: string | null;
            spec: components["schemas"]["SpecView"];
            /**
             * Parameters
             * @description Those of the run.
             */
            parameters: {
                [key: string]: unknown;
            };
            /** Inputs */
            inputs: components["schemas"]["FlowView"][];
            /** Outputs */
            outputs: components["schemas"]["FlowView"][];
            /**
             * Steps
             * @description In their order; empty if it has no named steps.
             */
            steps: components["schemas"]["StepView"][];
            /**
             * Runners
             * @description One per attempt, the latest first.
             */
            runners: components["schemas"]["AttemptView"][];
        };
        /**
         * TriedView
         * @description `answers` has the receiver's answers, by signal.
         */
        TriedView: {
            /** Ok */
            ok: boolean;
            /** Answers */
            answers: {
                [key: string]: string;
            };
        };
        /**
         * UseView
         * @description A value with the requested digest, where it was sent. `kept_from`: this run only took it over from that one.
         */
        UseView: {
            /** Run Id */
            run_id: string;
            /** Pipeline */
            pipeline: string;
            /** Run State */
            run_state: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Treatment */
            treatment: string;
            /** Port */
            port: string;
            /** Size */
            size: number;
            /** Made At */
            made_at: string | null;
            /** Kept From */
            kept_from: string | null;
            /**
             * Consumers
             * @description Treatments of the run that it was given to, the first 50.
             */
            consumers: string[];
            /** More Consumers */
            more_consumers: boolean;
        };
        /** UsesPage */
        UsesPage: {
            /** Items */
            items: components["schemas"]["UseView"][];
            /** Next */
            next: string | null;
        };
        /**
         * ValueView
         * @description `preview` is its beginning as text, `preview_base64` the same where it is not text; both need `values:read`.
         */
        ValueView: {
            /**
             * Sha256
             * @description Null where its pool lets no digest stay.
             */
            sha256: string | null;
            /** Size */
            size: number;
            /** Flow */
            flow: string;
            /** Type */
            type: string;
            /** Created At */
            created_at: string | null;
            /**
             * Bucket
             * @description Where it is kept, if not in the installation's own bucket.
             */
            bucket: string | null;
            /**
             * Not Kept
             * @description Why only the treatments that read from it get its content.
             */
            not_kept: string | null;
            /** Preview */
            preview: string | null;
            /** Preview Base64 */
            preview_base64: string | null;
            /** @description Its beginning, by what it is. */
            shown: components["schemas"]["PreviewView"] | null;
        };
        /** VaultBody */
        VaultBody: {
            /**
             * Address
             * @description Without a path, such as `https://vault.example.com:8200`.
             */
            address: string;
            /**
             * Login
             * @description With an identity token of the treatment, whose audience is the address, or with an AppRole.
             * @default jwt
             * @enum {string}
             */
            login: "jwt" | "approle";
            /**
             * Role
             * @description The role for `jwt`, the role ID for `approle`.
             */
            role: string;
            /**
             * Secret
             * @description The project's secret that is the secret ID of `approle`.
             * @default null
             */
            secret: string | null;
            /**
             * Login Mount
             * @description Where the auth method is mounted; by default `login`.
             * @default null
             */
            login_mount: string | null;
            /**
             * Mount
             * @description Where the engine KV, version 2, is mounted.
             * @default secret
             */
            mount: string;
            /**
             * Namespace
             * @default null
             */
            namespace: string | null;
        };
        /** VaultView */
        VaultView: {
            /** Address */
            address: string;
            /** Login */
            login: string;
            /** Role */
            role: string;
            /** Secret */
            secret: string | null;
            /** Login Mount */
            login_mount: string;
            /** Mount */
            mount: string;
            /** Namespace */
            namespace: string | null;
        };
        /**
         * ViaView
         * @description Why the node is here: the kind of link to its parent, and the evidence for it.
         */
        ViaView: {
            /** Kind */
            kind: string;
            /** Basis */
            basis: string;
            /** Port */
            port: string | null;
            /** Note */
            note: string | null;
            part: components["schemas"]["PartView"] | null;
        };
        /** WebSessionList */
        WebSessionList: {
            /**
             * Items
             * @description Of the caller's token, the oldest first.
             */
            items: components["schemas"]["WebSessionView"][];
        };
        /** WebSessionView */
        WebSessionView: {
            /** Session Id */
            session_id: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
        };
        /**
         * WebhookSecretBody
         * @description Without `webhook_secret` one is generated and returned, this once.
         */
        WebhookSecretBody: {
            /**
             * Webhook Secret
             * @default null
             */
            webhook_secret: string | null;
        };
        /** @description A problem document (RFC 9457). */
        Problem: {
            type: string;
            title: string;
            status: number;
            /** @description Stable, for programs. */
            code: string;
            detail: string;
            violations?: {
                pointer: string;
                code: string;
                message: string;
            }[];
            findings?: components["schemas"]["FindingView"][];
            details?: Record<string, never>;
            /** @description Seconds. */
            retry_after?: number;
            /** @description Of an internal error, for finding it in the control plane's log. */
            id?: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
