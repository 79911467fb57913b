/** What the kernel says about processes and cores (Linux): the yardstick of every bench, the same for every peer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TICKS_PER_SECOND = 100;
const KIB = 1024;

/** CPU seconds, user and system, of a process and all its threads since its start. */
export function cpuSecondsOf(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
  return (Number(afterName[11]) + Number(afterName[12])) / TICKS_PER_SECOND;
}

/** Most bytes that were resident at once, mapped files included, and the anonymous ones that are resident now. */
export function memoryOf(pid: number): { readonly peakRssBytes: number; readonly anonymousRssBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * KIB;
  return { peakRssBytes: field('VmHWM'), anonymousRssBytes: field('RssAnon') };
}

/** CPU seconds of all processes since boot, and those a hypervisor gave to others; interrupts are left out. */
export function cpuSecondsOfAll(): number {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'latin1').split('\n')[0]!.match(/\d+/g)!;
  return (Number(user) + Number(nice) + Number(system) + Number(steal)) / TICKS_PER_SECOND;
}

/** Bytes that a loopback interface has received, seen from a process of its network namespace. */
export function loopbackBytes(pid: number): number {
  return Number(/^\s*lo:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/net/dev`, 'latin1'))![1]);
}

const AUTOGROUP = '/proc/sys/kernel/sched_autogroup_enabled';

/**
 * Has the kernel share the cores between threads, not between sessions, as it does by default. Every client here is a session:
 * one leecher of several threads would get no more of two cores than each of its four seeders, which elsewhere are other
 * machines. Returns what undoes it. Root; does nothing where the kernel has no such groups.
 */
export function shareAmongThreads(): () => void {
  let before: string;
  try {
    before = readFileSync(AUTOGROUP, 'latin1');
    writeFileSync(AUTOGROUP, '0');
  } catch {
    return () => {};
  }
  return () => writeFileSync(AUTOGROUP, before);
}

/** What rates depend on: clients hash with SHA-1, for which some processors have instructions. */
export function machineFacts(): object {
  const cpu = readFileSync('/proc/cpuinfo', 'latin1');
  return {
    cpu: /^model name\s*: (.*)$/m.exec(cpu)?.[1] ?? 'unknown',
    cores: availableParallelism(),
    hasShaInstructions: /\b(?:sha_ni|sha1)\b/.test(cpu),
    node: process.version,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
