/**
 * The only place of the interop tests that waits: asks until the answer is there or the deadline has passed.
 * What is waited for is always a state that a program reports, never an amount of time.
 */
import { setTimeout as delay } from 'node:timers/promises';

const ASK_AGAIN_MS = 50;

/**
 * Resolves with the first answer of `ask` that is not undefined.
 * @param what completes the sentence "waited N s for …" when the deadline passes
 * @param note is called then; what it returns is appended to the error, such as a program's last output
 */
export async function until<Answer>(
  what: string,
  deadlineSeconds: number,
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  note: () => string = () => '',
  askAgainMs: number = ASK_AGAIN_MS,
): Promise<Answer> {
  const deadline = performance.now() + deadlineSeconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineSeconds} s for ${what}\n${note()}`);
    await delay(askAgainMs);
  }
}
