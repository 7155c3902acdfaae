import { render } from "preact";
import { useState } from "preact/hooks";
import "./api/self.ts";
import "./parts/texts.ts";
import { session, signInByLink } from "./api/session.ts";
import { listen, location_ } from "./navigation.ts";
import { Home } from "./pages/home.tsx";
import { Missing } from "./pages/missing.tsx";
import { Runs } from "./pages/runs.tsx";
import { SignIn } from "./pages/signin.tsx";
import { later } from "./parts/later.tsx";
import { Shell } from "./parts/shell.tsx";
import { parse } from "./routes.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";

// What the first screen does not show is fetched with the first look at it.
const Admin = later(() => import("./pages/admin.tsx").then((page) => page.Admin));
const Alerts = later(() => import("./pages/alerts.tsx").then((page) => page.Alerts));
const Approvals = later(() => import("./pages/approvals.tsx").then((page) => page.Approvals));
const DiffPage = later(() => import("./pages/diff.tsx").then((page) => page.DiffPage));
const Fleet = later(() => import("./pages/fleet.tsx").then((page) => page.Fleet));
const PipelinePage = later(() => import("./pages/pipeline.tsx").then((page) => page.PipelinePage));
const Pipelines = later(() => import("./pages/pipelines.tsx").then((page) => page.Pipelines));
const RunPage = later(() => import("./pages/run.tsx").then((page) => page.RunPage));
const Search = later(() => import("./pages/search.tsx").then((page) => page.Search));
const TracePage = later(() => import("./pages/trace.tsx").then((page) => page.TracePage));
const TreatmentPage = later(() => import("./pages/treatment.tsx").then((page) => page.TreatmentPage));
const ValuePage = later(() => import("./pages/value.tsx").then((page) => page.ValuePage));

function Page() {
  const [again, setAgain] = useState(0);
  const route = parse(location_.value.pathname);
  if (!session.value) return <SignIn />;
  switch (route.page) {
    case "home":
      return <Home />;
    case "runs":
      return <Runs />;
    case "run":
      return <RunPage key={route.run} run={route.run} line={route.line} />;
    case "treatment":
      return <TreatmentPage key={`${route.run}/${route.treatment}`} run={route.run} treatment={route.treatment} />;
    case "value":
      return <ValuePage key={location_.value.pathname} run={route.run} treatment={route.treatment} port={route.port} />;
    case "trace":
      return <TracePage key={route.run} run={route.run} />;
    case "diff":
      return <DiffPage key={location_.value.pathname} run={route.run} other={route.other} />;
    case "search":
      return <Search />;
    case "pipelines":
      return <Pipelines />;
    case "pipeline":
      return <PipelinePage key={location_.value.pathname} project={route.project} name={route.name} />;
    case "fleet":
      return <Fleet />;
    case "alerts":
      return <Alerts />;
    case "approvals":
      return <Approvals />;
    case "admin":
      return (
        <Admin
          key={location_.value.pathname}
          part={route.part}
          name={route.name}
          again={again}
          changed={() => setAgain(again + 1)}
        />
      );
    default:
      return <Missing />;
  }
}

listen();
await signInByLink();
render(
  <Shell>
    <Page />
  </Shell>,
  document.getElementById("page") as HTMLElement,
);
