import treeSitter from '@vscode/tree-sitter-wasm'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Language } from '../run/plan.ts'

/**
 * Parses code in WebAssembly and copies the tree into plain objects: nothing of the code is ever evaluated here, and a
 * parser that fails on hostile input fails inside its own memory.
 */

export interface SyntaxNode {
  readonly type: string
  /** Name of the field of its parent that this node is. */
  readonly field: string | null
  readonly named: boolean
  readonly text: string
  /** Index of its first character. */
  readonly start: number
  /** From 1. */
  readonly line: number
  readonly children: readonly SyntaxNode[]
  readonly parent: SyntaxNode | null
}

export type Syntax =
  | { readonly kind: 'parsed'; readonly root: SyntaxNode }
  | { readonly kind: 'unparsable'; readonly line: number; readonly reason: string }

export type Parse = (code: string) => Syntax

/** Deeper than any code a person would read; keeps recursive readers within their stack. */
const DEPTH_LIMIT = 300
const PARSE_LIMIT_MS = 5_000

const require = createRequire(import.meta.url)

/** Loads the grammar of `language`. @throws when the grammar that ships with the package can not be read. */
export async function loadParser(language: Language): Promise<Parse> {
  await treeSitter.Parser.init()
  const grammar = await readFile(require.resolve(`@vscode/tree-sitter-wasm/wasm/tree-sitter-${language}.wasm`))
  const parser = new treeSitter.Parser()
  parser.setLanguage(await treeSitter.Language.load(grammar))
  return (code) => {
    const deadline = performance.now() + PARSE_LIMIT_MS
    const tree = parser.parse(code, null, { progressCallback: () => performance.now() > deadline })
    if (tree === null) {
      parser.reset()
      return { kind: 'unparsable', line: 0, reason: `the code could not be parsed within ${PARSE_LIMIT_MS / 1000} s` }
    }
    try {
      return toSyntax(tree.walk(), code)
    } finally {
      tree.delete()
    }
  }
}

function toSyntax(cursor: treeSitter.TreeCursor, code: string): Syntax {
  type Growing = SyntaxNode & { children: SyntaxNode[] }
  const copy = (parent: Growing | null): Growing => ({
    type: cursor.nodeType,
    field: cursor.currentFieldName,
    named: cursor.nodeIsNamed,
    text: code.slice(cursor.startIndex, cursor.endIndex),
    start: cursor.startIndex,
    line: cursor.startPosition.row + 1,
    children: [],
    parent,
  })
  try {
    const root = copy(null)
    let current = root
    let depth = 0
    for (;;) {
      if (current.type === 'ERROR' || cursor.nodeIsMissing) {
        return { kind: 'unparsable', line: current.line, reason: `syntax error in line ${current.line}` }
      }
      if (cursor.gotoFirstChild()) {
        depth += 1
        if (depth > DEPTH_LIMIT) {
          return { kind: 'unparsable', line: current.line, reason: `nested more than ${DEPTH_LIMIT} levels deep` }
        }
      } else {
        while (!cursor.gotoNextSibling()) {
          if (!cursor.gotoParent()) return { kind: 'parsed', root }
          depth -= 1
          current = current.parent as Growing
        }
        current = current.parent as Growing
      }
      const child = copy(current)
      current.children.push(child)
      current = child
    }
  } finally {
    cursor.delete()
  }
}

export function childOf(node: SyntaxNode, field: string): SyntaxNode | null {
  return node.children.find((child) => child.field === field) ?? null
}

export function namedChildren(node: SyntaxNode): SyntaxNode[] {
  return node.children.filter((child) => child.named && child.type !== 'comment')
}
