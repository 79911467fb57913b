/** The nodes known from before, by which this node gets back in; lists of them are passed on and taken in as text. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { BootstrapStatus, HostRow } from '../../../app/running-node.ts';
import { formatAge, formatCount, shortHex } from '../../format.ts';
import { change, read } from '../api.ts';
import { Badge } from '../badge.tsx';
import { attempt } from '../notices.ts';
import { unless } from '../use-typed.ts';

const READ_MS = 10_000;
/** Lines drawn; the export has all. */
const LINES_MAX = 50;

export function HostList(): JSX.Element {
  const [hosts, setHosts] = useState<readonly HostRow[] | undefined>(undefined);
  useEffect(() => {
    const ends = new AbortController();
    const take = (): void =>
      void read<readonly HostRow[]>('/api/hosts', ends.signal).then(setHosts, () => {
        // The bar above says that the node does not answer.
      });
    take();
    const timer = setInterval(take, READ_MS);
    return () => {
      clearInterval(timer);
      ends.abort();
    };
  }, []);
  return (
    <section class="card hosts" aria-labelledby="hosts-title">
      <h2 id="hosts-title">Known nodes</h2>
      <p class="hint">
        Nodes that answered before are tried first after a restart; anchors longest. Pass the list on to somebody who
        finds nobody, or paste one that you were given.
      </p>
      {hosts && hosts.length > 0 && <HostTable hosts={hosts} />}
      {hosts?.length === 0 && <p class="hint">None is known yet.</p>}
      <HostForm hosts={hosts ?? []} />
    </section>
  );
}

function HostTable({ hosts }: { readonly hosts: readonly HostRow[] }): JSX.Element {
  return (
    <>
      <div class="wide-table">
        <table class="ranges">
          <caption class="hidden">Known nodes</caption>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Addresses</th>
              <th scope="col">Answered</th>
              <th scope="col" class="number">
                Missed
              </th>
            </tr>
          </thead>
          <tbody>
            {hosts.slice(0, LINES_MAX).map((host) => (
              <HostLine key={`${host.nodeId} ${linesOf(host)[0]}`} host={host} />
            ))}
          </tbody>
        </table>
      </div>
      {hosts.length > LINES_MAX && <p class="hint">and {formatCount(hosts.length - LINES_MAX)} more</p>}
    </>
  );
}

function HostLine({ host }: { readonly host: HostRow }): JSX.Element {
  const { nodeId, addresses, answered, misses, isAnchor } = host;
  return (
    <tr>
      <td>
        {nodeId ? <code title={nodeId}>{shortHex(nodeId)}</code> : <span class="hint">not met</span>}{' '}
        {isAnchor && <Badge>anchor</Badge>}
      </td>
      <td class="whole">{addresses.map(addressText).join(' ')}</td>
      <td>{answered === null ? 'never' : `${formatAge(Date.now() / 1000 - answered)} ago`}</td>
      <td class="number">{misses}</td>
    </tr>
  );
}

function HostForm({ hosts }: { readonly hosts: readonly HostRow[] }): JSX.Element {
  const [list, setList] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const told = await attempt(() => change<readonly BootstrapStatus[]>('/api/hosts', { list }), toldText);
    setBusy(false);
    if (told) setList(unless(list, ''));
  };
  const answered = hosts.filter((host) => host.answered !== null);
  const copy = (): void =>
    void attempt(
      () => navigator.clipboard.writeText(`${answered.flatMap(linesOf).join('\n')}\n`),
      () => `${answered.length === 1 ? '1 node is' : `${formatCount(answered.length)} nodes are`} copied`,
    );
  return (
    <form class="form" autocomplete="off" onSubmit={submit}>
      <label for="host-list">Hosts, one a line, or the address of a list</label>
      <textarea
        id="host-list"
        value={list}
        required
        rows={3}
        maxLength={1_000_000}
        placeholder="192.0.2.1:7373"
        spellcheck={false}
        onInput={(event) => setList(event.currentTarget.value)}
      />
      <div class="group">
        <button type="submit" disabled={isBusy}>
          Ask them
        </button>
        <button type="button" class="quiet" disabled={answered.length === 0} onClick={copy}>
          Copy the list
        </button>
      </div>
    </form>
  );
}

function toldText(rows: readonly BootstrapStatus[]): string {
  const found = rows.reduce((sum, row) => sum + row.found, 0);
  if (found === 0) return 'Nobody of them has answered yet; they are asked again';
  return found === 1 ? 'They know 1 supernode' : `They know ${formatCount(found)} supernodes`;
}

/** As `hosts export` prints them. */
function linesOf({ nodeId, addresses }: HostRow): string[] {
  return addresses.map((address) => `${addressText(address)} ${nodeId ?? ''}`.trimEnd());
}

function addressText({ host, port }: HostRow['addresses'][number]): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
