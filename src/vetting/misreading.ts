import type { Language } from '../run/plan.ts'
import type { SyntaxNode } from './syntax.ts'

/**
 * Finds what the grammar accepts but the interpreter refuses or reads differently, so that what was checked would not be
 * what runs.
 */
export function findMisreading(root: SyntaxNode, language: Language): { line: number; reason: string } | null {
  const find = language === 'python' ? findInPython : findInJavascript
  const stack = [root]
  for (let node = stack.pop(); node; node = stack.pop()) {
    const reason = find(node, root)
    if (reason !== null) return { line: node.line, reason: `${reason} in line ${node.line}` }
    stack.push(...node.children)
  }
  return null
}

function findInPython(node: SyntaxNode): string | null {
  if (node.type === 'print_statement' || node.type === 'exec_statement') return 'syntax of Python 2'
  return null
}

function findInJavascript(node: SyntaxNode, root: SyntaxNode): string | null {
  if (node.type.startsWith('jsx_')) return 'JSX, which Node does not run,'
  if (node.type === 'with_statement') return 'a with statement'
  // A script takes these for comments (ECMA-262, B.1.1), a module and the grammar for operators.
  if (node.type === 'html_comment') return 'an HTML-like comment'
  if (node.children.length > 0) return null
  if (node.type === '<' && root.text.startsWith('<!--', node.start - root.start)) return 'an HTML-like comment'
  if (node.type !== '--' || !root.text.startsWith('-->', node.start - root.start)) return null
  const before =
    root.text
      .slice(0, node.start - root.start)
      .split('\n')
      .at(-1) ?? ''
  return /^\s*(\/\*.*\*\/\s*)*$/.test(before) ? 'an HTML-like comment' : null
}
