/** `monsoon doctor`: what is wrong with the node or its surroundings, and what to do about it. */
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { loadConfig } from '../config-file.ts';
import { diagnose } from '../doctor/doctor.ts';
import { machineFacts, portProblemOf } from '../doctor/doctor-facts.ts';
import type { Finding } from '../running-node.ts';
import { answer } from './answer.ts';
import { withClient } from './daemon-process.ts';
import { type CliContext, EXIT, type Verb } from './verb.ts';

const MARKS = { good: 'ok  ', note: 'note', problem: 'BAD ' } as const;

export const doctor: Verb = {
  name: 'doctor',
  parameters: [],
  summary: 'look for what is wrong, and say what to do; ends with 1 when something is',
  options: [],
  run: (call, context) =>
    withClient(context, async (client) => {
      const findings = (await client.isServed()) ? await client.doctor() : await withoutNode(context);
      answer(call, context, findings, () => findings.map(textOf).join(''));
      return findings.some(({ state }) => state === 'problem') ? EXIT.error : EXIT.ok;
    }),
};

/** What can be looked at while no node runs. */
async function withoutNode({ home, environment }: CliContext): Promise<readonly Finding[]> {
  const { config } = await loadConfig(home, { flags: {}, environment });
  const network = await BoundNetwork.open(config.bind);
  try {
    const [place] = network.places();
    const portProblem = place && (await portProblemOf(config.port, place.host));
    const unknown = { status: undefined, clockBehindSeconds: undefined, unresolvedNames: [], lan: undefined } as const;
    return diagnose({ ...unknown, port: config.port, portProblem, ...(await machineFacts(home, config, network, [])) });
  } finally {
    network.close();
  }
}

function textOf({ check, state, what, advice }: Finding): string {
  const line = `${MARKS[state]} ${check.padEnd(CHECK_COLUMNS)} ${what}\n`;
  return advice === null ? line : `${line}${' '.repeat(MARK_COLUMNS + CHECK_COLUMNS + 2)}${advice}\n`;
}

const MARK_COLUMNS = 4;
const CHECK_COLUMNS = 12;
