import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** OpenSearch itself, from its published libraries: one node with what a domain always has, over HTTP on loopback. */
public final class SearchServer extends Node {
    private SearchServer(Settings settings) {
        super(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "peer"),
            List.of(Netty4Plugin.class, ReindexPlugin.class),
            false
        );
    }

    /** Arguments: its folder, and the ports for HTTP and between nodes. */
    public static void main(String[] arguments) throws Exception {
        new SearchServer(
            Settings.builder()
                .put("path.home", Path.of(arguments[0]).toString())
                .put("http.port", arguments[1])
                .put("transport.port", arguments[2])
                .put("network.host", "127.0.0.1")
                .put("http.type", "netty4")
                .put("transport.type", "netty4")
                .put("discovery.type", "single-node")
                .put("cluster.name", "cadence-peer")
                .put("cluster.routing.allocation.disk.threshold_enabled", false)
                .build()
        ).start();
        Thread.currentThread().join();
    }
}
