/** `monsoon files`: the files of one torrent, how far each is, and how much each is wanted. */
import type { Choice, FileRow, PriorityName } from '../running-node.ts';
import { formatPercent, formatSize } from '../show/quantities.ts';
import type { Column } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withClient } from './daemon-process.ts';
import type { Call, Verb } from './verb.ts';

const COLUMNS: readonly Column[] = [
  { title: '#', isNumber: true },
  { title: 'Size', isNumber: true },
  { title: 'Done', isNumber: true },
  { title: 'Wanted' },
  { title: 'File', shrinks: true },
];
const WANTED: Readonly<Record<PriorityName, string>> = { skip: 'no', low: 'later', normal: 'yes', high: 'first' };

export const files: Verb = {
  name: 'files',
  parameters: ['<hash>'],
  summary: 'show the files of a torrent, or choose which of them to fetch',
  options: [
    {
      name: 'only',
      flag: '--only <files>',
      help: 'these and no others: indices, a pattern, part of a path',
      isList: true,
    },
    { name: 'skip', flag: '--skip <files>', help: 'not these', isList: true },
    { name: 'low', flag: '--low <files>', help: 'these after the others', isList: true },
    { name: 'normal', flag: '--normal <files>', help: 'these as usual', isList: true },
    { name: 'high', flag: '--high <files>', help: 'these before the others', isList: true },
    { name: 'sequential', flag: '--seq', help: 'fetch in order, to use it while it comes' },
    { name: 'rarest', flag: '--rarest', help: 'fetch what few have first, which is the usual order' },
  ],
  run: (call, context) =>
    withClient(context, async (client) => {
      const choice = choiceOf(call);
      const [hash] = call.arguments;
      const rows =
        Object.keys(choice).length === 0 ? (await client.info(hash!)).fileList : await client.choose(hash!, choice);
      return answer(call, context, rows, () =>
        rows.length === 0 ? 'The files are not known yet.\n' : tableOf(context, COLUMNS, rows.map(cells)),
      );
    }),
};

function choiceOf({ options }: Call): Choice {
  const { sequential, rarest, ...selectors } = options;
  const given = Object.entries(selectors).filter(([, value]) => value !== undefined);
  const order = sequential ? { isSequential: true } : rarest ? { isSequential: false } : {};
  return { ...Object.fromEntries(given), ...order };
}

function cells({ index, size, progress, priority, path }: FileRow): string[] {
  return [`${index}`, formatSize(size), formatPercent(progress), WANTED[priority], path];
}
