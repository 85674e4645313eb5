import { createServer, type RequestListener, type Server } from 'node:http';
import type { MetricSource } from './metric-table.js';

/** The endpoint where Prometheus reads the metrics. */
export interface MetricsEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

const PATH = '/metrics';

/** Serves the readings of all sources in Prometheus's text format. Rejects when the address cannot be had. */
export async function serveMetrics(
  sources: readonly MetricSource[],
  address: { readonly host: string; readonly port: number },
): Promise<MetricsEndpoint> {
  let answer: Promise<RequestListener> | undefined;
  const startMs = Date.now();
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== PATH) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`Metrics are at ${PATH}.\n`);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    } else {
      answer ??= exporting(sources, startMs);
      void answer.then((handle) => handle(request, response));
    }
  });
  await listen(server, address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Loaded with the first request: it takes 50 ms and 5 MB, and not every server is watched. */
async function exporting(sources: readonly MetricSource[], startMs: number): Promise<RequestListener> {
  const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus');
  const { metricProducer } = await import('./metric-data.js');
  // The exporter's own server takes no port 0 and swallows the errors of listening.
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  exporter.setMetricProducer(metricProducer(sources, startMs));
  return (request, response) => exporter.getMetricsRequestHandler(request, response);
}

function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
