import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The documents that a stranger reads, taken apart so that tests can hold each part against the code. */
export interface Document {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  readonly tables: readonly Table[]
  /** What stands between backticks outside of blocks. */
  readonly spans: readonly string[]
  /** Targets of links, as written. */
  readonly links: readonly string[]
}

export interface Block {
  /** '' where none is named. */
  readonly language: string
  readonly lines: readonly string[]
}

export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const documents: readonly Document[] = globSync(['*.md', 'docs/*.md', 'examples/*/README.md'], { cwd: root })
  .toSorted()
  .map(readDocument)

export function documentAt(path: string): Document {
  const found = documents.find((each) => each.path === path)
  if (!found)
    throw new Error(`there is no document ${path}; there are ${documents.map((each) => each.path).join(', ')}`)
  return found
}

/** The table of a document whose first column has this title. */
export function tableOf(document: Document, title: string): Table {
  const found = document.tables.filter(({ header }) => header[0] === title)
  const [first, second] = found
  if (!first || second) throw new Error(`${document.path} has ${found.length} tables that begin with "${title}"`)
  return first
}

/** A cell without the backticks around all of it. */
export const unquote = (cell: string): string => /^`([^`]*)`$/.exec(cell)?.[1] ?? cell

/** The first cell of each row, without backticks. */
export const firstColumn = (table: Table): string[] => table.rows.map(([first = '']) => unquote(first))

/** Absolute paths at which something that a document names may be. */
export function placesOf(document: Document, name: string): string[] {
  return [join(root, dirname(document.path), name), join(root, name)]
}

function readDocument(path: string): Document {
  const text = readFileSync(join(root, path), 'utf8')
  const blocks: { language: string; lines: string[] }[] = []
  const prose: string[] = []
  let open: { language: string; lines: string[] } | null = null
  for (const line of text.split('\n')) {
    const fence = /^```(\S*)$/.exec(line)
    if (fence && open) open = null
    else if (fence) blocks.push((open = { language: fence[1] ?? '', lines: [] }))
    else (open?.lines ?? prose).push(line)
  }
  if (open) throw new Error(`${path}: a code block is not closed`)
  const words = prose.join('\n')
  return {
    path,
    text,
    blocks,
    tables: readTables(prose),
    // A span may go over the end of a line.
    spans: [...words.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll(/\s+/g, ' ')),
    links: [...words.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target),
  }
}

function readTables(lines: readonly string[]): Table[] {
  const tables: { header: string[]; rows: string[][] }[] = []
  let previous: string | null = null
  for (const line of lines) {
    const isRow = line.startsWith('|')
    if (isRow && previous === null) tables.push({ header: toCells(line), rows: [] })
    else if (isRow && !/^[|\s:-]+$/.test(line)) tables.at(-1)?.rows.push(toCells(line))
    previous = isRow ? line : null
  }
  return tables
}

function toCells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}
