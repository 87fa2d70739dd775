import type { Command, Option } from 'commander';
import { systemWords } from '../../core/systems/system-words.ts';
import { methodsOn } from '../../intercept/rules/redirect-methods.ts';
import { wrap } from '../rendering/wrap.ts';
import type { Block, Topic } from './topics/topic.ts';

/** How long a line of source may be (mandoc's STYLE). */
const COLUMNS = 72;

/** What the man page says beside the commands and options. */
export interface ManualParts {
  readonly version: string;
  /** ISO 8601, without a time. */
  readonly date: string;
  /** Whose page it is; the topics are to be those of the same. */
  readonly platform: NodeJS.Platform;
  readonly topics: readonly Topic[];
  readonly exitCodes: ReadonlyArray<readonly [code: number, meaning: string]>;
}

/**
 * The manual of the program and its commands, as mdoc(7) source.
 *
 * Made from the same descriptions as `--help`, so that nothing can be in one and not in the other.
 */
export function renderManPage(
  program: Command,
  { version, date, platform, topics, exitCodes }: ManualParts,
): string {
  const lines = [
    `.Dd ${date}`,
    `.Dt ${program.name().toUpperCase()} 1`,
    `.Os ${program.name()} ${version}`,
    '.Sh NAME',
    `.Nm ${program.name()}`,
    '.Nd reach networks behind a bastion through one ssh connection',
    '.Sh SYNOPSIS',
    ...synopsis(program),
    ...leaves(program).flatMap(synopsis),
    '.Sh DESCRIPTION',
    ...prose(program.description()),
    '.Pp',
    ...prose(
      `Where systems differ, this page is about ${systemWords(platform).name}; tshuttle man prints that of the system that it runs on.`,
    ),
    '.Sh OPTIONS',
    ...options(program),
    '.Sh COMMANDS',
    ...leaves(program).flatMap((command) => [
      `.Ss ${literal(nameOf(command))}`,
      ...prose(command.description()),
      ...options(command),
    ]),
    ...topics.flatMap((topic) => [
      `.Sh ${literal(topic.name.toUpperCase())}`,
      // A section begins with a paragraph by itself.
      ...topic.blocks.flatMap(renderBlock).slice(topic.blocks[0]?.kind === 'paragraph' ? 1 : 0),
    ]),
    '.Sh EXIT STATUS',
    '.Bl -tag -width Ds',
    ...exitCodes.flatMap(([code, meaning]) => [`.It ${code}`, ...prose(meaning)]),
    '.El',
    '.Sh SEE ALSO',
    '.Xr ssh 1 ,',
    '.Xr ssh_config 5 ,',
    ...methodsOn(platform)
      .map(({ manual: [page, section] }) => `.Xr ${page} ${section} ,`)
      .toSorted(),
  ];
  return `${lines.join('\n').replace(/ ,$/, '')}\n`;
}

/** The commands that do something: those below others are named with them. */
function leaves(parent: Command): readonly Command[] {
  const visible = parent.createHelp().visibleCommands(parent);
  return visible.flatMap((command) => (command.commands.length === 0 ? [command] : leaves(command)));
}

function nameOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

function synopsis(command: Command): readonly string[] {
  const own = command.parent === null ? [] : [literal(nameOf(command))];
  // A command without arguments is described by a blank: commander makes a usage of its own of an empty text.
  const usage = literal(command.usage().trim());
  return [
    '.Nm',
    ...(own.length > 0 ? [`.Ic ${own.join(' ')}`] : []),
    ...(usage === '' ? [] : [`.Ar ${usage}`]),
  ];
}

function options(command: Command): readonly string[] {
  const visible = command.createHelp().visibleOptions(command);
  const args = command.registeredArguments.filter(({ description }) => description !== '');
  if (visible.length + args.length === 0) return [];
  return [
    '.Bl -tag -width Ds',
    ...args.flatMap((argument) => [`.It Ar ${literal(argument.name())}`, ...prose(argument.description)]),
    ...visible.flatMap((option) => [`.It ${flags(option)}`, ...prose(option.description)]),
    '.El',
  ];
}

/** `-r, --remote <HOST>` as mdoc has it: `Fl r , Fl \-remote Ar HOST`. */
function flags({ short, long, flags: text }: Option): string {
  const value = /<(.*)>/.exec(text)?.[1];
  const names = [short, long].flatMap((flag) => (flag === undefined ? [] : [`Fl ${literal(flag.slice(1))}`]));
  return `${names.join(' , ')}${value === undefined ? '' : ` Ar ${literal(value)}`}`;
}

function renderBlock(block: Block): readonly string[] {
  switch (block.kind) {
    case 'paragraph':
      return ['.Pp', ...prose(block.text)];
    case 'commands':
      return ['.Bd -literal -offset indent', ...block.lines.map(literal), '.Ed'];
    case 'list':
      return [
        '.Bl -tag -width Ds',
        ...block.items.flatMap(([term, text]) => [`.It ${literal(term)}`, ...prose(text)]),
        '.El',
      ];
  }
}

/** A line for each sentence, which mdoc sets apart, and none longer than a screen. */
function prose(text: string): readonly string[] {
  return text
    .split(/\n|(?<=[\w)]\.) (?=[A-Z])/)
    .flatMap((sentence) => (sentence === '' ? ['.Pp'] : wrap(sentence, COLUMNS).map(literal)));
}

/** Text that roff takes as it is (groff_char(7)): no escapes, no request at the start of a line, no macro names. */
function literal(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/’/g, '\\(cq')
    .replace(/`/g, '\\(ga')
    .replace(/(^|\s)([.'|]|[A-Z][a-z](?=\s|$))/g, '$1\\&$2');
}
