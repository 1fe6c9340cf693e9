import { joinConstants, toConstant, type Constant } from './fact.ts'
import type { Names } from './names.ts'
import { childOf, namedChildren, type SyntaxNode } from './syntax.ts'

/** Puts together the texts that Python code puts together from constants; computes nothing else. */
export function createPythonConstants(names: Names): (node: SyntaxNode) => Constant | null {
  const memo = new Map<SyntaxNode, Constant | null>()
  const fold = (node: SyntaxNode): Constant | null => {
    const known = memo.get(node)
    if (known !== undefined) return known
    const result = foldNew(node)
    memo.set(node, result)
    return result
  }
  const foldNew = (node: SyntaxNode): Constant | null => {
    switch (node.type) {
      case 'string':
        return foldString(node)
      case 'concatenated_string':
        return joinConstants(namedChildren(node).map(fold))
      case 'parenthesized_expression': {
        const [inner] = namedChildren(node)
        return inner ? fold(inner) : null
      }
      case 'named_expression': {
        const value = childOf(node, 'value')
        return value ? fold(value) : null
      }
      case 'identifier':
        return names.only(node.text, fold)
      case 'binary_operator':
        return foldBinary(node)
      case 'subscript':
        return foldReversed(node)
      case 'call':
        return foldCall(node)
      default:
        return null
    }
  }
  const foldString = (node: SyntaxNode): Constant | null => {
    const prefix = (node.children[0]?.text ?? '').toLowerCase()
    const parts: (Constant | null)[] = []
    for (const child of namedChildren(node)) {
      if (child.type === 'interpolation') {
        const expression = childOf(child, 'expression')
        const plain = !childOf(child, 'format_specifier') && !childOf(child, 'type_conversion')
        const value = expression && plain ? fold(expression) : null
        parts.push(value ?? { text: '', whole: false })
      } else if (child.type === 'string_content') {
        parts.push(prefix.includes('r') ? toConstant(child.text, true) : unescapePython(child.text))
      }
    }
    return joinConstants(parts) ?? (parts.length === 0 ? { text: '', whole: true } : null)
  }
  const foldBinary = (node: SyntaxNode): Constant | null => {
    const left = childOf(node, 'left')
    const right = childOf(node, 'right')
    if (!left || !right) return null
    const operator = childOf(node, 'operator')?.text
    if (operator === '+') return joinConstants([fold(left), fold(right)])
    if (operator === '/') return joinConstants([fold(left), fold(right)], '/')
    if (operator !== '%') return null
    const format = fold(left)
    const values = right.type === 'tuple' ? namedChildren(right) : [right]
    return format && fill(format, /%[sr]/, values.map(fold))
  }
  const foldReversed = (node: SyntaxNode): Constant | null => {
    const value = childOf(node, 'value')
    const subscript = childOf(node, 'subscript')
    if (!value || subscript?.text.replaceAll(/\s/g, '') !== '::-1') return null
    const text = fold(value)
    return text?.whole ? toConstant([...text.text].reverse().join(''), true) : null
  }
  const foldCall = (node: SyntaxNode): Constant | null => {
    const called = childOf(node, 'function')
    const list = childOf(node, 'arguments')
    if (!called || !list) return null
    const args = namedChildren(list)
    const [first] = args
    if (called.type === 'identifier') {
      if (called.text === 'chr' && first?.type === 'integer') return fromCodePoint(Number(first.text))
      return ['str', 'Path'].includes(called.text) && first ? fold(first) : null
    }
    const object = childOf(called, 'object')
    const method = childOf(called, 'attribute')?.text
    if (called.type !== 'attribute' || !object || method === undefined) return null
    if (method === 'join' && /^(os\.)?path$/.test(object.text)) return joinConstants(args.map(fold), '/')
    if (method === 'Path' && first) return fold(first)
    const text = fold(object)
    if (text === null) return null
    if (method === 'join' && text.whole) {
      const items = first && ['list', 'tuple'].includes(first.type) ? namedChildren(first) : null
      return items && joinConstants(items.map(fold), text.text)
    }
    if (method === 'format') return fill(text, /\{\w*\}/, args.map(fold))
    if (['decode', 'encode', 'strip'].includes(method)) return text
    if (method === 'lower') return toConstant(text.text.toLowerCase(), text.whole)
    if (method === 'upper') return toConstant(text.text.toUpperCase(), text.whole)
    if (method === 'replace' && text.whole && args.length === 2) {
      const [from, to] = args.map(fold)
      return from?.whole && to?.whole && from.text
        ? toConstant(
            text.text.replaceAll(from.text, () => to.text),
            true,
          )
        : null
    }
    return null
  }
  return fold
}

function fill(format: Constant, placeholder: RegExp, values: readonly (Constant | null)[]): Constant | null {
  let { text } = format
  for (const value of values) {
    const place = text.search(placeholder)
    if (place < 0) break
    if (value === null) return toConstant(text.slice(0, place), false)
    text = text.slice(0, place) + value.text + text.slice(place).replace(placeholder, '')
  }
  const place = text.search(placeholder)
  return place < 0 ? toConstant(text, format.whole) : toConstant(text.slice(0, place), false)
}

function fromCodePoint(point: number): Constant | null {
  return Number.isInteger(point) && point >= 0 && point <= 0x10ffff
    ? toConstant(String.fromCodePoint(point), true)
    : null
}

const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\n': '',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
}

function unescapePython(raw: string): Constant | null {
  let whole = true
  const text = raw.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(N\{[^}]*\})|([\s\S]))/g,
    (
      all,
      x: string | undefined,
      u: string | undefined,
      long: string | undefined,
      octal: string | undefined,
      named: string | undefined,
      simple: string | undefined,
    ) => {
      const hex = x ?? u ?? long
      if (hex !== undefined) return fromCodePoint(Number.parseInt(hex, 16))?.text ?? ''
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
      if (named !== undefined) {
        whole = false
        return ''
      }
      if (simple === undefined) return all
      return SIMPLE[simple] ?? (`\\'"`.includes(simple) ? simple : all)
    },
  )
  return toConstant(text, whole)
}
