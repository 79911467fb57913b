// docs/CONFIG.md from the option table; `node test/config-page.ts` writes it.
import { writeFileSync } from 'node:fs';
import { OPTION_NAMES, OPTIONS, type Option, type OptionName, variableOf } from '../config/index.ts';

export const CONFIG_PAGE: URL = new URL('../docs/CONFIG.md', import.meta.url);

/** The text that docs/CONFIG.md must hold. */
export function configPage(): string {
  return `# Options

Made from config/options.ts by \`node test/config-page.ts\`.

A flag of \`monsoon start\` counts before a variable, a variable before \`config.toml\`, and that before the default.
\`monsoon config\` shows each value and where it came from, \`monsoon config set NAME VALUE\` changes the file, and
\`monsoon config path\` names it. A switch is turned off by \`--no-…\`. A variable holds a list with commas or spaces
between its items.

| Name in config.toml | Flag | Variable | Takes | Default | What it is |
|---|---|---|---|---|---|
${OPTION_NAMES.map(rowOf).join('\n')}

\`MONSOON_HOME=DIR\` puts \`config.toml\`, \`data\`, \`cache\`, \`state\`, \`downloads\` and the control socket under DIR.
\`NO_COLOR\` turns colours off.
`;
}

function rowOf(name: OptionName): string {
  const option: Option = OPTIONS[name];
  const cells = [
    `\`${name}\``,
    `\`${option.flag}\``,
    `\`${variableOf(name)}\``,
    rangeOf(option),
    `\`${JSON.stringify(option.default)}\``,
    option.help,
  ];
  return `| ${cells.join(' | ')} |`;
}

function rangeOf(option: Option): string {
  switch (option.kind) {
    case 'integer':
      return `${option.min} to ${option.max}`;
    case 'choice':
      return option.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'switch':
      return '`true`, `false`';
    case 'list':
      return `at most ${option.itemsMax} texts`;
    case 'text':
      return 'a text';
  }
}

if (import.meta.main) writeFileSync(CONFIG_PAGE, configPage());
