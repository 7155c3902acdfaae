import { render } from "preact";
import { useState } from "preact/hooks";
import "./api/self.ts";
import { session, signInByLink } from "./api/session.ts";
import { listen, location_ } from "./navigation.ts";
import { Admin } from "./pages/admin.tsx";
import { Alerts } from "./pages/alerts.tsx";
import { Approvals } from "./pages/approvals.tsx";
import { DiffPage } from "./pages/diff.tsx";
import { Fleet } from "./pages/fleet.tsx";
import { Home } from "./pages/home.tsx";
import { Missing } from "./pages/missing.tsx";
import { Pipelines } from "./pages/pipelines.tsx";
import { RunPage } from "./pages/run.tsx";
import { Runs } from "./pages/runs.tsx";
import { Search } from "./pages/search.tsx";
import { SignIn } from "./pages/signin.tsx";
import { TreatmentPage } from "./pages/treatment.tsx";
import { ValuePage } from "./pages/value.tsx";
import { Shell } from "./parts/shell.tsx";
import { parse } from "./routes.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";

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
      return <RunPage key={route.run} run={route.run} />;
    case "treatment":
      return <TreatmentPage key={`${route.run}/${route.treatment}`} run={route.run} treatment={route.treatment} />;
    case "value":
      return <ValuePage key={location_.value.pathname} run={route.run} treatment={route.treatment} port={route.port} />;
    case "diff":
      return <DiffPage key={location_.value.pathname} run={route.run} other={route.other} />;
    case "search":
      return <Search />;
    case "pipelines":
      return <Pipelines />;
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
