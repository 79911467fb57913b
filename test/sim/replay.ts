/** A run by name: from command-line words to a plan, and from a plan to the command that runs it again. */
import type { ProfileName } from './profile.ts';
import type { SimulationPlan } from './simulation.ts';

export interface RunWords {
  readonly seed: string;
  readonly hours: string;
  readonly profile: string;
  readonly supernodes: string;
  readonly clients: string;
  readonly hostile?: string | undefined;
  readonly settle?: string | undefined;
  readonly life?: string | undefined;
  readonly settled?: boolean | undefined;
}

export function planOf(words: RunWords): SimulationPlan {
  const { seed, hours, profile, supernodes, clients, hostile, settle, life, settled } = words;
  if (!/^[ABC]$/.test(profile)) throw new Error(`--profile is A, B or C, not ${profile}`);
  return {
    seed: Number(seed),
    hours: Number(hours),
    profile: profile as ProfileName,
    supernodes: Number(supernodes),
    clients: Number(clients),
    ...(hostile === undefined ? {} : { hostile: Number(hostile) }),
    ...(settle === undefined ? {} : { settleSeconds: Number(settle) }),
    ...(life === undefined ? {} : { lifeHours: Number(life) }),
    ...(settled ? { isSettled: true } : {}),
  };
}

export function replayCommand(plan: SimulationPlan): string {
  const { seed, hours, profile, supernodes, clients, hostile, settleSeconds, lifeHours, isSettled } = plan;
  const liars = hostile === undefined ? '' : ` --hostile ${hostile}`;
  const settle = settleSeconds === undefined ? '' : ` --settle ${settleSeconds}`;
  const life = lifeHours === undefined ? '' : ` --life ${lifeHours}`;
  const settled = isSettled ? ' --settled' : '';
  const sizes = `--supernodes ${supernodes} --clients ${clients}${liars}${settle}${life}${settled}`;
  return `npm run sim -- --seed ${seed} --hours ${hours} --profile ${profile} ${sizes}`;
}
