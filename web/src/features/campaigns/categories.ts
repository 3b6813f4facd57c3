import type { CategoryShape } from '../../shared/api/client.generated';
import type { Differing } from '../../shared/ui/SideBySide';

const arrow = ' > ';

/** The tree as it is edited: a line for each category that lies in another one. Names with an arrow of their own take a tab. */
export const linesOf = (categories: CategoryShape[]) =>
  categories.map(({ name, parent }) => [name, parent].join(name.includes(arrow) ? '\t' : arrow)).join('\n');

export interface Entered {
  categories: CategoryShape[];
  /** Numbers of the lines the categories are on. */
  lines: number[];
  /** Numbers of lines that do not say what lies in what. */
  unclear: number[];
}

/** Reads the lines; empty ones count for nothing. */
export function entered(text: string): Entered {
  const read: Entered = { categories: [], lines: [], unclear: [] };
  text.split('\n').forEach((line, index) => {
    if (!line.trim()) return;
    const at = line.indexOf('\t');
    const [name, parent] = at >= 0 ? [line.slice(0, at), line.slice(at + 1)] : splitOnce(line);
    if (name?.trim() && parent?.trim()) {
      read.categories.push({ name: name.trim(), parent: parent.trim() });
      read.lines.push(index + 1);
    } else read.unclear.push(index + 1);
  });
  return read;
}

function splitOnce(line: string): [string, string | undefined] {
  const at = line.indexOf(arrow);
  return at < 0 ? [line, undefined] : [line.slice(0, at), line.slice(at + arrow.length)];
}

/** Categories that lie elsewhere in the two trees. */
export function differing(mine: CategoryShape[], theirs: CategoryShape[]): Differing[] {
  const [left, right] = [parentsOf(mine), parentsOf(theirs)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((name) => left.get(name) !== right.get(name))
    .sort()
    .map((name) => ({ label: name, mine: left.get(name) ?? '–', theirs: right.get(name) ?? '–' }));
}

const parentsOf = (categories: CategoryShape[]) => new Map(categories.map(({ name, parent }) => [name, parent]));
