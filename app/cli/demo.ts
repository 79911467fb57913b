/** `monsoon demo`: a small network on this machine alone. */
import { type CliContext, EXIT, type Verb } from './verb.ts';

export interface DemoOptions {
  readonly context: CliContext;
  readonly wantsJson: boolean;
}

export const demo: Verb = {
  name: 'demo',
  parameters: [],
  summary: 'build a network of a few nodes on this machine and watch a download',
  options: [],
  async run(call, context) {
    const { runDemo } = await import('../demo.ts');
    await runDemo({ context, wantsJson: call.wantsJson } satisfies DemoOptions);
    return EXIT.ok;
  },
};
