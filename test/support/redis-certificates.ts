import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates of a test: an authority, a node on `localhost`, and a client. Files, as Redis wants them, and as PEM. */
export interface TestCertificates {
  readonly ca: string;
  readonly client: { readonly cert: string; readonly key: string };
  /** The same, where they are; and the node's own, and one of it that has expired. */
  readonly files: Readonly<Record<'ca' | 'cert' | 'key' | 'node' | 'expired', string>>;
  /** Directives with which Redis shows its certificate and demands one of its clients. */
  readonly directives: readonly (readonly string[])[];
  remove(): void;
}

/** Makes them with `openssl`; good for a day. */
export function makeCertificates(): TestCertificates {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
  const path = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '1', '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.crt');
  writeFileSync(path('names.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const sign = (name: string, days: number, certificate: string): void => {
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names.cnf'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-days', String(days), '-out', certificate);
  };
  for (const name of ['node', 'client']) {
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    sign(name, 1, `${name}.crt`);
  }
  sign('node', -1, 'expired.crt');
  return {
    ca: readFileSync(path('ca.crt'), 'utf8'),
    client: { cert: readFileSync(path('client.crt'), 'utf8'), key: readFileSync(path('client.key'), 'utf8') },
    files: {
      ca: path('ca.crt'),
      cert: path('client.crt'),
      key: path('client.key'),
      node: path('node.crt'),
      expired: path('expired.crt'),
    },
    directives: [
      ['tls-cert-file', path('node.crt')],
      ['tls-key-file', path('node.key')],
      ['tls-ca-cert-file', path('ca.crt')],
      ['tls-auth-clients', 'yes'],
    ],
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
