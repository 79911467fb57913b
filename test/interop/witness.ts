/**
 * Who sees what leaves a host by one of its interfaces, packet by packet, as tcpdump writes them down. What the kernel says
 * of its own accord under IPv6 (membership of groups, routers, its own addresses) is left out; ARP is not.
 */
import type { TestContext } from 'node:test';
import { type Host, inNamespace } from './network.ts';
import { Program, run } from './program.ts';
import { until } from './until.ts';

const KERNEL_SIX =
  '(ip6 proto 0) or (icmp6 and (ip6[40] == 133 or ip6[40] == 136 or (ip6[40] == 135 and src host ::)))';
const SECONDS_MAX = 20;
/** Nobody listens there. */
const MARKER_PORT = 9;

export class Witness {
  readonly #host: Host;
  readonly #device: string;
  readonly #program: Program;
  readonly #lines: string[] = [];

  private constructor(host: Host, device: string) {
    this.#host = host;
    this.#device = device;
    const capture = ['-n', '-t', '-l', '--immediate-mode', '-i', device, '-Q', 'out', `not (${KERNEL_SIX})`];
    this.#program = new Program(inNamespace(host, ['tcpdump', capture]));
    this.#program.onLine((line) => this.#lines.push(line));
  }

  /** Resolves when it looks. */
  static async of(t: Pick<TestContext, 'after'>, host: Host, device: string): Promise<Witness> {
    const witness = new Witness(host, device);
    t.after(() => witness.#program.kill());
    await until('tcpdump to look', SECONDS_MAX, () => /listening on/.test(witness.#program.output) || undefined);
    return witness;
  }

  /** Resolves with what left and fits; rejects when nothing does in time. */
  seen(what: string, pattern: RegExp, seconds: number = SECONDS_MAX): Promise<string> {
    const found = (): string | undefined => this.#lines.find((line) => pattern.test(line));
    return until(`${this.#device} to see ${what} (${pattern})`, seconds, found, () =>
      this.#lines.slice(-20).join('\n'),
    );
  }

  /** All that left so far, for certain: what is sent now to a neighbour there is seen, and left out. */
  async everything({ address }: Host): Promise<readonly string[]> {
    const url = `http://${address}:${MARKER_PORT}/`;
    await run(inNamespace(this.#host, ['curl', ['-s', '-m', '2', '--interface', this.#device, url]])).catch(() => {});
    const isMarker = (line: string): boolean => line.includes(` > ${address}.${MARKER_PORT}: Flags [S]`);
    await until('the marker to be seen', SECONDS_MAX, () => this.#lines.some(isMarker) || undefined);
    return this.#lines.filter((line) => !isMarker(line) && !line.startsWith(`ARP, Request who-has ${address} tell`));
  }
}
