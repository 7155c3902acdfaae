import { render } from "preact";
import { session, signInByLink } from "./api/session.ts";
import { listen, location_ } from "./navigation.ts";
import { Alerts } from "./pages/alerts.tsx";
import { Fleet } from "./pages/fleet.tsx";
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
  const route = parse(location_.value.pathname);
  if (!session.value) return <SignIn />;
  switch (route.page) {
    case "home":
    case "runs":
      return <Runs />;
    case "run":
      return <RunPage key={route.run} run={route.run} />;
    case "treatment":
      return <TreatmentPage key={`${route.run}/${route.treatment}`} run={route.run} treatment={route.treatment} />;
    case "value":
      return <ValuePage key={location_.value.pathname} run={route.run} treatment={route.treatment} port={route.port} />;
    case "search":
      return <Search />;
    case "pipelines":
      return <Pipelines />;
    case "fleet":
      return <Fleet />;
    case "alerts":
      return <Alerts />;
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
