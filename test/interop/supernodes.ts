/** Several supernodes of one network: how they are started together, and what their ring looks like from each. */
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import type { TestBed } from './test-bed.ts';
import { until } from './until.ts';

/** Elections take a few seconds each, on a machine that others use too. */
const SERVING_SECONDS_MAX = 120;
const ASK_AGAIN_MS = 250;
/** Of what is used: nine tenths are overload. */
const TOO_LITTLE = 0.7;
const OVERLOADED = 0.95;
const TRACKING_MIN = 1000;
const PLENTY = 10_000_000;

/** Starts volunteers that join by the first; resolves when all of them serve, agree, and have copies of everything. */
export async function startSupernodes(bed: TestBed, count: number, flags: readonly string[] = []): Promise<Monsoon[]> {
  const start = async (bootstrap: readonly string[]): Promise<Monsoon> =>
    startMonsoon(await bed.place('supernode'), { role: 'supernode', bootstrap, flags });
  const first = await start([]);
  const others = Array.from({ length: count - 1 }, () => start([first.contact]));
  const nodes = [first, ...(await Promise.all(others))];
  await whenWhole(nodes);
  return nodes;
}

/** Resolves when these nodes are all the supernodes there are, and every copy is made; with the seconds that took. */
export async function whenWhole(nodes: readonly Monsoon[], secondsMax: number = SERVING_SECONDS_MAX): Promise<number> {
  return whenAgreed(nodes, secondsMax, true);
}

/** Resolves when these nodes see one ring of themselves and nobody else, with the seconds that took. */
export async function whenAgreed(
  nodes: readonly Monsoon[],
  secondsMax: number = SERVING_SECONDS_MAX,
  isWhole = false,
): Promise<number> {
  const startedAt = performance.now();
  let last: unknown;
  await until(
    `${nodes.length} supernodes to agree`,
    secondsMax,
    async () => {
      const [statuses, rings] = await Promise.all([
        Promise.all(nodes.map((node) => node.status())),
        Promise.all(nodes.map(ringOf)),
      ]);
      last = statuses.map(({ role, supernodes, overlay }) => [role, supernodes, overlay.isReplicated]);
      const areServing = statuses.every(
        ({ role, overlay }) => role === 'supernode' && (!isWhole || overlay.isReplicated === true),
      );
      const members = new Set([...rings[0]!.matchAll(/=([0-9a-f]+)/g)].map(([, nodeId]) => nodeId));
      const areOne = members.size === nodes.length && rings.every((ring) => ring === rings[0]);
      return (areServing && areOne) || undefined;
    },
    () => JSON.stringify(last),
    ASK_AGAIN_MS,
  );
  return (performance.now() - startedAt) / 1000;
}

/** Who owns which range, as one node sees it: the same text from two nodes means that every hash has the same owner. */
export async function ringOf(node: Monsoon): Promise<string> {
  const rows = await node.supernodes();
  return rows
    .flatMap(({ nodeId, ranges }) => ranges.map(({ from, to }) => `${from}-${to}=${nodeId}`))
    .sort()
    .join('\n');
}

/** Who is asked for most now. */
export async function busiestOf(nodes: readonly Monsoon[]): Promise<Monsoon> {
  const loads = await Promise.all(nodes.map(async (node) => ({ node, used: await usedBy(node) })));
  return loads.toSorted((a, b) => b.used - a.used)[0]!.node;
}

/** Makes a node lend so little that it is overloaded, as its user can while it runs. */
export async function overload(node: Monsoon): Promise<void> {
  const tooLittle = Math.max(TRACKING_MIN, Math.round((await usedBy(node)) * TOO_LITTLE));
  await node.cap({ trackingBytesPerSecond: tooLittle });
}

/**
 * Once more where the load has fallen since: after a death everybody announces at once, and then is quiet.
 * @returns what the node says of itself
 */
export async function keepOverloaded(node: Monsoon): Promise<unknown> {
  const { caps, overlay } = await node.status();
  if (overlay.used.trackingBytesPerSecond < OVERLOADED * caps.trackingBytesPerSecond) await overload(node);
  return { caps, overlay };
}

/** Makes a node lend more than it is asked for: who is short of bandwidth names a few peers only. */
export async function relieve(node: Monsoon): Promise<void> {
  await node.cap({ trackingBytesPerSecond: PLENTY });
}

async function usedBy(node: Monsoon): Promise<number> {
  return (await node.status()).overlay.used.trackingBytesPerSecond;
}
