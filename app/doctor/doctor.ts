/**
 * What may be wrong with a node and its surroundings, and what its user can do about it. Judges facts that somebody else
 * collected, so that every diagnosis can be provoked.
 */
import { NO_GATEWAY } from '../../src/lan/index.ts';
import type { BootstrapStatus, Check, Finding, NodeStatus, PortMappingStatus } from '../running-node.ts';

/** How the local network was heard: not asked for, no interface, nothing (not even ourselves), ourselves, neighbours. */
export type LanFact = 'off' | 'no-network' | 'silent' | 'self' | 'neighbours';

/** A folder, and what can be written there. */
export interface DiskFact {
  readonly path: string;
  readonly freeBytes: number;
  readonly isWritable: boolean;
}

/** What a diagnosis rests on; undefined where nobody knows. */
export interface DoctorFacts {
  /** Undefined while no node runs. */
  readonly status:
    | Pick<NodeStatus, 'supernodes' | 'bootstrap' | 'portMapping' | 'reachedFrom' | 'bind' | 'role'>
    | undefined;
  readonly port: number;
  /** Why the port cannot be had; a node that runs has it. */
  readonly portProblem: 'taken' | 'forbidden' | undefined;
  readonly addresses: readonly { readonly host: string; readonly reach: string }[];
  /** How far our clock is behind the nodes that answered, in seconds; negative when it is ahead. */
  readonly clockBehindSeconds: number | undefined;
  readonly unresolvedNames: readonly string[];
  /** Name servers of this machine that a bound node asks. */
  readonly localNameServers: readonly string[];
  readonly lan: LanFact | undefined;
  readonly disks: readonly DiskFact[];
  /** Files that the system lets this process open, and those that its links may need. */
  readonly openFiles: { readonly most: number; readonly wanted: number } | undefined;
}

/** By how much a clock may be wrong before others' descriptors are refused, and before it is worth a word. */
const CLOCK_WRONG_SECONDS = 600;
const CLOCK_OFF_SECONDS = 60;
const DISK_FULL_BYTES = 100 * 2 ** 20;
const DISK_LOW_BYTES = 2 ** 30;

/** Everything that was looked at. */
export function diagnose(facts: DoctorFacts): readonly Finding[] {
  const { status } = facts;
  const judged = [
    nodeFinding(facts),
    status ? bindFinding(status.bind) : undefined,
    portFinding(facts),
    status ? reachFinding(facts, status) : undefined,
    status ? supernodesFinding(status) : undefined,
    clockFinding(facts.clockBehindSeconds),
    dnsFinding(facts),
    facts.lan && lanFinding(facts.lan),
    ...facts.disks.map(diskFinding),
    filesFinding(facts),
    ipv6Finding(facts),
  ];
  return judged.filter((finding) => finding !== undefined);
}

const good = (check: Check, what: string): Finding => ({ check, state: 'good', what, advice: null });
const note = (check: Check, what: string, advice: string | null): Finding => ({ check, state: 'note', what, advice });
const problem = (check: Check, what: string, advice: string): Finding => ({ check, state: 'problem', what, advice });

function nodeFinding({ status }: DoctorFacts): Finding {
  if (status) return good('node', 'the node runs');
  return problem(
    'node',
    'no node runs, so only its surroundings were looked at',
    'Run "monsoon start", then this again.',
  );
}

function bindFinding({ to, problem: because }: NodeStatus['bind']): Finding {
  if (because === null) return good('bind', to === '::' ? 'every address is used' : `bound to ${to}`);
  return problem('bind', because, 'Bring it up, or change "monsoon config set bind" and start the node again.');
}

function portFinding({ port, portProblem }: DoctorFacts): Finding {
  if (portProblem === undefined) return good('port', `port ${port} can be used`);
  if (portProblem === 'taken') {
    return problem(
      'port',
      `another program has port ${port}`,
      'Stop that program, or run "monsoon config set port NUMBER".',
    );
  }
  return problem(
    'port',
    `the system does not let this user listen on port ${port}`,
    'Choose one from 1024 on: "monsoon config set port 7373"; or give node the right by setcap.',
  );
}

function reachFinding(
  { port, addresses }: DoctorFacts,
  { reachedFrom, portMapping }: NonNullable<DoctorFacts['status']>,
): Finding {
  if (reachedFrom === 'internet') return good('reachability', 'somebody on the internet has connected to this node');
  if (portMapping.state === 'mapped' && portMapping.problem === null) {
    return good('reachability', `the router passes port ${portMapping.tcpPort} on, by ${portMapping.protocol}`);
  }
  if (addresses.some(({ reach }) => reach === 'public')) {
    const advice = `Open TCP and UDP port ${port} in the firewall, if there is one.`;
    return note('reachability', 'this machine has a public address, and nobody has connected to it yet', advice);
  }
  if (portMapping.problem === NO_GATEWAY) {
    return note('reachability', `nobody outside this machine's networks can connect to it: ${NO_GATEWAY}`, null);
  }
  return problem('reachability', mappingText(portMapping), mappingAdvice(portMapping, port));
}

function mappingText({ state, problem: because }: PortMappingStatus): string {
  if (state === 'mapped') return `the router passes the port on, but ${because}`;
  if (state === 'off') return 'this machine is behind a router, which is not asked to pass the port on';
  if (state === 'searching') return 'this machine is behind a router, which is being asked to pass the port on';
  return `this machine is behind a router that does not pass the port on${because === null ? '' : `: ${because}`}`;
}

function mappingAdvice({ state }: PortMappingStatus, port: number): string {
  const byHand = `Forward TCP and UDP port ${port} to this machine in the router.`;
  if (state === 'mapped')
    return 'Ask the provider for a public address; until then others reach you only when you connect first.';
  if (state === 'off') return `Run "monsoon config set portMapping auto", or: ${byHand}`;
  if (state === 'searching') return 'Look again in a minute.';
  return `Allow UPnP or NAT-PMP in the router, or: ${byHand}`;
}

function supernodesFinding({ supernodes, bootstrap }: NonNullable<DoctorFacts['status']>): Finding {
  if (supernodes > 0) {
    const by = bootstrap.filter(({ found }) => found > 0).map(({ source }) => source);
    return good('supernodes', `${supernodes} known${by.length > 0 ? `, by ${by.join(', ')}` : ''}`);
  }
  return problem(
    'supernodes',
    supernodesText(bootstrap),
    'Ask somebody for the address of any node: "monsoon hosts add HOST:PORT".',
  );
}

function supernodesText(bootstrap: readonly BootstrapStatus[]): string {
  if (bootstrap.length === 0) return 'no supernode is known, and there is no way to find any';
  return `no supernode is known: ${bootstrap.map(({ source, state }) => `${source} ${state}`).join(', ')}`;
}

function clockFinding(behind: number | undefined): Finding {
  if (behind === undefined) return note('clock', 'nobody answered yet whose clock ours could be compared with', null);
  const seconds = Math.round(Math.abs(behind));
  const text = `the clock is ${seconds} s ${behind > 0 ? 'behind' : 'ahead of'} that of other nodes`;
  const advice = 'Switch on time synchronisation: "timedatectl set-ntp true" on Linux.';
  if (seconds > CLOCK_WRONG_SECONDS) return problem('clock', `${text}: their descriptors are refused`, advice);
  if (seconds > CLOCK_OFF_SECONDS) return note('clock', text, advice);
  return good('clock', 'the clock agrees with that of other nodes');
}

function dnsFinding({ unresolvedNames, localNameServers }: DoctorFacts): Finding {
  if (unresolvedNames.length === 0 && localNameServers.length > 0) {
    return note(
      'dns',
      `names are asked of ${localNameServers.join(', ')}, a program of this machine, which goes its own way`,
      'Tie that program to the interface too, or name a server beyond it in /etc/resolv.conf.',
    );
  }
  if (unresolvedNames.length === 0) return good('dns', 'every bootstrap name resolves, or there is none');
  const names = unresolvedNames.join(', ');
  return problem(
    'dns',
    `these bootstrap names lead nowhere: ${names}`,
    `Try "nslookup ${unresolvedNames[0]}"; or ask another server with --dns-server.`,
  );
}

function lanFinding(lan: LanFact): Finding {
  switch (lan) {
    case 'off':
      return note('lan', 'the local network is not asked', 'Run "monsoon config set lan true" to find nodes there.');
    case 'no-network':
      return note('lan', 'there is no local network', null);
    case 'silent':
      return problem(
        'lan',
        'what this node says to the local network does not come back to it: multicast is blocked',
        'Allow UDP port 7374 and multicast to 239.192.77.83 in the firewall of this machine.',
      );
    case 'self':
      return note('lan', 'multicast works, and nobody else of this network is on the local network', null);
    case 'neighbours':
      return good('lan', 'nodes of this network were heard on the local network');
  }
}

function diskFinding({ path, freeBytes, isWritable }: DiskFact): Finding {
  const free = `${Math.floor(freeBytes / 2 ** 20)} MiB are free in ${path}`;
  if (!isWritable) return problem('disk', `${path} cannot be written`, `Make it this user's: chown -R "$USER" ${path}`);
  if (freeBytes < DISK_FULL_BYTES) return problem('disk', free, 'Delete something, or move downloads: "monsoon move".');
  if (freeBytes < DISK_LOW_BYTES) return note('disk', free, 'Downloads pause when it is full.');
  return good('disk', free);
}

function filesFinding({ openFiles }: DoctorFacts): Finding {
  if (!openFiles) return note('files', 'this system does not say how many files may be open', null);
  const { most, wanted } = openFiles;
  if (most >= wanted) return good('files', `${most} files may be open`);
  const advice = `Run "ulimit -n ${wanted}" before the start, or "monsoon config set linksMax" to fewer.`;
  return problem('files', `only ${most} files may be open, and links and torrents may need ${wanted}`, advice);
}

function ipv6Finding({ addresses }: DoctorFacts): Finding {
  const six = addresses.filter(({ host }) => host.includes(':'));
  if (six.some(({ reach }) => reach === 'public')) return good('ipv6', 'this machine has a public IPv6 address');
  const what = six.length > 0 ? 'this machine has IPv6 on its own network only' : 'this machine has no IPv6';
  return note(
    'ipv6',
    `${what}: peers that have nothing else are out of reach`,
    'Switch it on in the router, if the provider has it.',
  );
}
