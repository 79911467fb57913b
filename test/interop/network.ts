/**
 * A small network inside this machine: hosts are network namespaces with one address each on one bridge, and the
 * test itself is a host on it. Real addresses are needed because clients ignore peers on loopback.
 * Names carry the process id, so that what a killed test left behind is found and removed by the next one.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type CommandLine, run } from './program.ts';

const NETWORKS_MAX = 250;
const ADDRESSES_MAX = 254;
/** With the process id after it, the beginning of the name of everything a test makes. */
export const PREFIX = 'monsoon-test';

export interface Host {
  readonly namespace: string;
  /** Of the network's kind. */
  readonly address: string;
}
/** What addresses a network has: private or public IPv4 (nobody outside this machine hears of them), or IPv6 alone. */
export type NetworkKind = 'private' | 'public' | 'ipv6';

/** The command line that runs a command on that host; the process keeps the id of what is started. */
export function inNamespace({ namespace }: Pick<Host, 'namespace'>, [command, args]: CommandLine): CommandLine {
  return ['nsenter', [`--net=/run/netns/${namespace}`, '--', command, ...args]];
}

/** Whether this process may make namespaces. */
export function mayMakeNetworks(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

const ip = (...args: string[]): Promise<string> => run(['ip', args]);
const ipNow = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
let networksMade = 0;

export class Network {
  /** The address of the test process on this network. */
  readonly testAddress: string;
  readonly #hub: string;
  readonly #number: number;
  readonly #kind: NetworkKind;
  readonly #hosts: Host[] = [];
  #addressesUsed = 0;
  readonly #removeAtExit = (): void => removeNamespaces(this.#namespaces());

  private constructor(hub: string, number: number, kind: NetworkKind) {
    this.#hub = hub;
    this.#number = number;
    this.#kind = kind;
    this.testAddress = this.#addressOf(ADDRESSES_MAX);
    process.on('exit', this.#removeAtExit);
  }

  static async create(kind: NetworkKind = 'private'): Promise<Network> {
    sweepLeftOvers();
    const hub = `${PREFIX}-${process.pid}-${networksMade++}-hub`;
    await ip('netns', 'add', hub);
    await ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge');
    await ip('-n', hub, 'link', 'set', 'bridge', 'up');
    const network = new Network(hub, await claimNumber(hub), kind);
    await ip('-n', hub, 'link', 'set', 'test', 'master', 'bridge', 'up');
    await ip('address', 'add', ...network.#assigned(network.testAddress), 'dev', linkName(network.#number));
    await ip('link', 'set', linkName(network.#number), 'up');
    return network;
  }

  async addHost(): Promise<Host> {
    const index = ++this.#addressesUsed;
    const host: Host = { namespace: this.#hub.replace(/hub$/, `${index}`), address: this.#addressOf(index) };
    this.#hosts.push(host);
    await ip('netns', 'add', host.namespace);
    await ip('-n', host.namespace, 'link', 'set', 'lo', 'up');
    await this.#plugIn(host, index, 'eth0');
    return host;
  }

  /** Plugs a host of another network into this one too, by its second interface, eth1. */
  async join({ namespace }: Host): Promise<Host> {
    const index = ++this.#addressesUsed;
    const host: Host = { namespace, address: this.#addressOf(index) };
    await this.#plugIn(host, index, 'eth1');
    return host;
  }

  /** Bytes that a host has sent so far, every header counted. */
  async bytesFrom(host: Host): Promise<number> {
    const rows = JSON.parse(await ip('-n', this.#hub, '-s', '-j', 'link', 'show', this.#portOf(host)));
    return rows[0].stats64.rx.bytes;
  }

  /** Cuts hosts off from everybody but each other. */
  async cut(hosts: readonly Host[]): Promise<void> {
    await ip('-n', this.#hub, 'link', 'add', 'other', 'type', 'bridge');
    await ip('-n', this.#hub, 'link', 'set', 'other', 'up');
    for (const host of hosts) await this.#plugAt('other', host);
  }
  /** Undoes that. */
  async heal(): Promise<void> {
    for (const host of this.#hosts) await this.#plugAt('bridge', host);
    await ip('-n', this.#hub, 'link', 'delete', 'other');
  }

  /** Pulls a host's cable, or puts it back. */
  async plug(host: Host, isPlugged: boolean): Promise<void> {
    await ip('-n', this.#hub, 'link', 'set', this.#portOf(host), isPlugged ? 'up' : 'down');
  }

  /** The command line that runs a command where every frame between hosts passes, on the interface `bridge`. */
  atHub(command: CommandLine): CommandLine {
    return inNamespace({ namespace: this.#hub }, command);
  }

  /** The same machine by one more address; what its addresses say to each other goes over its loopback interface. */
  async addAddress({ namespace }: Host): Promise<Host> {
    const address = this.#addressOf(++this.#addressesUsed);
    await ip('-n', namespace, 'address', 'add', ...this.#assigned(address), 'dev', 'eth0');
    return { namespace, address };
  }

  /** Kills what still runs on the hosts and removes everything. */
  close(): void {
    process.off('exit', this.#removeAtExit);
    this.#removeAtExit();
  }

  async #plugIn({ namespace, address }: Host, index: number, device: string): Promise<void> {
    const port = `h${index}`;
    await ip('-n', this.#hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', device, 'netns', namespace);
    await ip('-n', this.#hub, 'link', 'set', port, 'master', 'bridge', 'up');
    await ip('-n', namespace, 'address', 'add', ...this.#assigned(address), 'dev', device);
    await ip('-n', namespace, 'link', 'set', device, 'up');
  }

  async #plugAt(bridge: string, host: Host): Promise<void> {
    await ip('-n', this.#hub, 'link', 'set', this.#portOf(host), 'master', bridge);
  }
  #portOf(host: Host): string {
    return `h${this.#hosts.indexOf(host) + 1}`;
  }

  #addressOf(host: number): string {
    assert.ok(host <= ADDRESSES_MAX);
    if (this.#kind === 'ipv6') return `fd77:${this.#number}::${host}`;
    return `${this.#kind === 'public' ? 9 : 10}.77.${this.#number}.${host}`;
  }
  /** An address as `ip address add` takes it; nobody else has it, so IPv6 need not look first. */
  #assigned(address: string): string[] {
    return this.#kind === 'ipv6' ? [`${address}/64`, 'nodad'] : [`${address}/24`];
  }
  #namespaces(): string[] {
    return [...this.#hosts.map((host) => host.namespace), this.#hub];
  }
}

const linkName = (number: number): string => `msntest${number}`;

/** Takes a network number that no other test process has: of two that make the same link, one fails. */
async function claimNumber(hub: string): Promise<number> {
  for (let attempt = 0; attempt < NETWORKS_MAX; attempt++) {
    const number = (process.pid + attempt) % NETWORKS_MAX;
    if (existsSync(`/sys/class/net/${linkName(number)}`)) continue;
    try {
      await ip('link', 'add', linkName(number), 'type', 'veth', 'peer', 'name', 'test', 'netns', hub);
      return number;
    } catch (error) {
      if (!existsSync(`/sys/class/net/${linkName(number)}`)) throw error;
    }
  }
  throw new Error('every network number is taken');
}

function removeNamespaces(namespaces: readonly string[]): void {
  for (const namespace of namespaces) {
    try {
      for (const pid of ipNow('netns', 'pids', namespace).split('\n').filter(Boolean))
        process.kill(Number(pid), 'SIGKILL');
      ipNow('netns', 'delete', namespace);
    } catch {
      // Best effort: a namespace that could not be removed now is swept by the next test.
    }
  }
}

/** Whether a thing of this name was made by a test process that is gone: `monsoon-test-PID-…`. */
export function isLeftOver(name: string): boolean {
  const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function sweepLeftOvers(): void {
  const names = ipNow('netns', 'list')
    .split('\n')
    .map((line) => line.split(' ')[0]!);
  removeNamespaces(names.filter(isLeftOver));
}
