import { joinConstants, toConstant, type Constant } from './fact.ts'
import type { Names } from './names.ts'
import { childOf, namedChildren, type SyntaxNode } from './syntax.ts'

/** Puts together the texts that JavaScript code puts together from constants; computes nothing else. */
export function createJavascriptConstants(names: Names): (node: SyntaxNode) => Constant | null {
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
      case 'template_string':
        return foldString(node)
      case 'parenthesized_expression': {
        const [inner] = namedChildren(node)
        return inner ? fold(inner) : null
      }
      case 'sequence_expression': {
        const last = namedChildren(node).at(-1)
        return last ? fold(last) : null
      }
      case 'identifier':
        return names.only(toIdentifier(node), fold)
      case 'binary_expression': {
        const left = childOf(node, 'left')
        const right = childOf(node, 'right')
        return left && right && childOf(node, 'operator')?.text === '+'
          ? joinConstants([fold(left), fold(right)])
          : null
      }
      case 'call_expression':
        return foldCall(node)
      default:
        return null
    }
  }
  const foldString = (node: SyntaxNode): Constant | null => {
    const parts = namedChildren(node).map((child): Constant | null => {
      if (child.type !== 'template_substitution') return toConstant(unescapeJavascript(child.text), true)
      const [inner] = namedChildren(child)
      return (inner ? fold(inner) : null) ?? { text: '', whole: false }
    })
    return joinConstants(parts)
  }
  const foldCall = (node: SyntaxNode): Constant | null => {
    const called = childOf(node, 'function')
    const list = childOf(node, 'arguments')
    const object = called && childOf(called, 'object')
    const property = called && childOf(called, 'property')
    if (called?.type !== 'member_expression' || !object || !property || list?.type !== 'arguments') return null
    const args = namedChildren(list)
    const method = toIdentifier(property)
    if (method === 'fromCharCode' || method === 'fromCodePoint') {
      const points = args.map((arg) => (arg.type === 'number' ? Number(arg.text) : Number.NaN))
      return points.every((point) => Number.isInteger(point) && point >= 0 && point <= 0x10ffff)
        ? toConstant(String.fromCodePoint(...points), true)
        : null
    }
    if ((method === 'join' || method === 'resolve') && object.text === 'path') return joinConstants(args.map(fold), '/')
    if (method === 'join') {
      const separator = args[0] ? fold(args[0]) : { text: ',', whole: true }
      return foldItems(object, separator?.whole ? separator.text : null)
    }
    const text = fold(object)
    if (text === null) return null
    if (method === 'concat') return joinConstants([text, ...args.map(fold)])
    if (['toString', 'trim', 'normalize'].includes(method)) return text
    if (method === 'toLowerCase') return toConstant(text.text.toLowerCase(), text.whole)
    if (method === 'toUpperCase') return toConstant(text.text.toUpperCase(), text.whole)
    if ((method === 'replace' || method === 'replaceAll') && text.whole && args.length === 2) {
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
  /** `['a', 'b'].join(…)` and `[...'ab'].reverse().join('')` or `'ab'.split('').reverse().join('')`. */
  const foldItems = (object: SyntaxNode, separator: string | null): Constant | null => {
    if (separator === null) return null
    if (object.type === 'array') {
      const items = namedChildren(object)
      const [only] = items
      if (items.length === 1 && only?.type === 'spread_element') {
        const [spread] = namedChildren(only)
        const text = spread ? fold(spread) : null
        return text?.whole ? toConstant([...text.text].join(separator), true) : null
      }
      return joinConstants(items.map(fold), separator)
    }
    const called = object.type === 'call_expression' ? childOf(object, 'function') : null
    const inner = called && childOf(called, 'object')
    const method = called && childOf(called, 'property')?.text
    if (!inner) return null
    if (method === 'reverse') {
      const text = foldItems(inner, '')
      return text?.whole ? toConstant([...text.text].reverse().join(separator), true) : null
    }
    const text = method === 'split' ? fold(inner) : null
    return text?.whole ? toConstant([...text.text].join(separator), true) : null
  }
  return fold
}

/** Identifiers may be written with escapes: `\u0065val` is `eval`. */
export function toIdentifier(node: SyntaxNode | null): string {
  return node ? node.text.replaceAll(/\\u(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/g, decodePoint) : ''
}

const SIMPLE: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', '\n': '' }

function unescapeJavascript(raw: string): string {
  return raw.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))/g,
    (
      all,
      short: string | undefined,
      long: string | undefined,
      hex: string | undefined,
      octal: string | undefined,
      simple: string | undefined,
    ) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      if (simple !== undefined) return SIMPLE[simple] ?? simple
      return decodePoint(all, short ?? hex, long)
    },
  )
}

function decodePoint(all: string, short: string | undefined, long: string | undefined): string {
  const point = Number.parseInt(short ?? long ?? '', 16)
  return point <= 0x10ffff ? String.fromCodePoint(point) : all
}
