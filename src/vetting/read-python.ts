import type { Argument, Fact } from './fact.ts'
import { Names } from './names.ts'
import { createPythonConstants } from './python-constants.ts'
import { childOf, namedChildren, type SyntaxNode } from './syntax.ts'

/** Built-in names that matter to the rules; `builtins.<name>` in paths. */
const BUILTINS = new Set(
  'eval exec compile __import__ getattr setattr delattr hasattr globals locals vars open __loader__ __spec__'.split(
    ' ',
  ),
)
/** Modules that others expose (`logging.os`): a path through one is a path from it. */
const CARRIED = new Set('os sys subprocess socket builtins importlib ctypes shutil pickle marshal'.split(' '))
const SAME_MODULE: Readonly<Record<string, string>> = {
  __builtins__: 'builtins',
  posix: 'os',
  nt: 'os',
  cPickle: 'pickle',
  _pickle: 'pickle',
  _io: 'io',
  _socket: 'socket',
}
/** What `globals()` and `vars()` answer. */
const SCOPE = '%scope'
const ENVIRONMENT = 'os.environ'
/** Looked up by key; what the key names is part of the path. */
const NAMESPACES = new Set([SCOPE, ENVIRONMENT, 'sys.modules', 'builtins'])
const LOOKUPS = new Set(['get', '__getitem__', 'pop', 'setdefault'])
const NAMED_BY = new Set(['getattr', 'setattr', 'delattr', 'hasattr'])

export function readPython(root: SyntaxNode): Fact[] {
  const facts: Fact[] = []
  const names = new Names()
  const fold = createPythonConstants(names)
  const starred: string[] = []

  const resolveName = (name: string): string[] => {
    const paths = names.pathsOf(name)
    for (const module of starred) paths.push(canonical(`${module}.${name}`))
    if (name === '__builtins__') paths.push('builtins')
    if (BUILTINS.has(name) && !names.isShadowed(name)) paths.push(`builtins.${name}`)
    return paths
  }
  const member = (path: string, name: string): string[] => {
    if (path === SCOPE) return resolveName(name)
    if (path === 'sys.modules') return [canonical(name)]
    if (path === ENVIRONMENT) return [`${path}.$${name}`]
    return [canonical(`${path.replace(/\.__dict__$/, '')}.${name}`)]
  }
  const isNamespace = (path: string) => NAMESPACES.has(path) || path.endsWith('.__dict__')
  const known = new Map<SyntaxNode, string[]>()
  const resolve = (node: SyntaxNode): string[] => {
    let paths = known.get(node)
    if (!paths) known.set(node, (paths = resolveNew(node)))
    return paths
  }
  const resolveNew = (node: SyntaxNode): string[] => {
    switch (node.type) {
      case 'identifier':
        return resolveName(identifier(node))
      case 'attribute':
        return resolveField(node, 'object').flatMap((path) =>
          path === SCOPE ? [] : [canonical(`${path}.${identifier(childOf(node, 'attribute'))}`)],
        )
      case 'subscript': {
        const key = childOf(node, 'subscript')
        const name = key && fold(key)
        if (!name?.whole) return []
        return resolveField(node, 'value').flatMap((path) => (isNamespace(path) ? member(path, name.text) : []))
      }
      case 'call':
        return resolveCall(node)
      case 'parenthesized_expression':
      case 'await':
      case 'boolean_operator':
      case 'conditional_expression':
        return namedChildren(node).flatMap(resolve)
      case 'named_expression':
        return resolveField(node, 'value')
      default:
        return []
    }
  }
  const resolveField = (node: SyntaxNode, field: string): string[] => {
    const child = childOf(node, field)
    return child ? resolve(child) : []
  }
  const resolveCall = (node: SyntaxNode): string[] => {
    const args = positional(node)
    const [first, second] = args
    const text = (arg: SyntaxNode | undefined) => {
      const constant = arg ? fold(arg) : null
      return constant?.whole ? constant.text : null
    }
    const called = childOf(node, 'function')
    const method = called?.type === 'attribute' ? identifier(childOf(called, 'attribute')) : null
    if (called && method !== null && LOOKUPS.has(method)) {
      const name = text(first)
      const spaces = resolveField(called, 'object').filter(isNamespace)
      if (spaces.length > 0) return name === null ? [] : spaces.flatMap((path) => member(path, name))
    }
    return resolveField(node, 'function').flatMap((path): string[] => {
      if (path === 'builtins.getattr' && first) {
        const name = text(second)
        return name === null ? [] : resolve(first).flatMap((of) => member(of, name))
      }
      if (path === 'builtins.__import__' || path === 'importlib.import_module') {
        const name = text(first)
        if (name === null) return []
        return [canonical(path === 'builtins.__import__' ? (name.split('.')[0] ?? name) : name)]
      }
      if (/^builtins\.(globals|locals|vars)$/.test(path))
        return first ? resolve(first).map((of) => `${of}.__dict__`) : [SCOPE]
      return []
    })
  }

  const add = (fact: Fact) => facts.push(fact)
  const bindTargets = (target: SyntaxNode, value: SyntaxNode | null): void => {
    if (target.type === 'identifier') {
      names.bind(identifier(target), value ? { kind: 'expression', node: value, members: [] } : { kind: 'anything' })
    } else if (/^(pattern_list|tuple_pattern|list_pattern|tuple|list)$/.test(target.type)) {
      const values = value && /^(expression_list|tuple|list)$/.test(value.type) ? namedChildren(value) : []
      for (const [index, each] of namedChildren(target).entries()) bindTargets(each, values[index] ?? null)
    }
  }
  /** First pass: what every name is bound to. */
  const collect = (node: SyntaxNode): void => {
    switch (node.type) {
      case 'import_statement':
        for (const each of namedChildren(node)) {
          const alias = childOf(each, 'alias')
          const module = (childOf(each, 'name') ?? each).text.normalize('NFKC').replaceAll(/\s/g, '')
          add({ kind: 'import', path: canonical(module), line: node.line })
          if (alias) names.bind(identifier(alias), { kind: 'path', path: canonical(module) })
          else
            names.bind(module.split('.')[0] ?? module, {
              kind: 'path',
              path: canonical(module.split('.')[0] ?? module),
            })
        }
        break
      case 'import_from_statement': {
        const module = (childOf(node, 'module_name')?.text ?? '').normalize('NFKC').replaceAll(/\s/g, '')
        for (const each of namedChildren(node).filter((child) => child.field !== 'module_name')) {
          if (each.type === 'wildcard_import') {
            starred.push(module)
            add({ kind: 'import', path: `${canonical(module)}.*`, line: node.line })
            continue
          }
          const name = identifier(childOf(each, 'name') ?? each)
          const path = canonical(`${module}.${name}`)
          add({ kind: 'import', path, line: each.line })
          names.bind(identifier(childOf(each, 'alias') ?? each), { kind: 'path', path })
        }
        break
      }
      case 'assignment': {
        const left = childOf(node, 'left')
        let right = childOf(node, 'right')
        while (right?.type === 'assignment') right = childOf(right, 'right')
        if (left && right) bindTargets(left, right)
        break
      }
      case 'augmented_assignment':
      case 'for_statement':
      case 'for_in_clause': {
        const left = childOf(node, 'left')
        if (left) bindTargets(left, null)
        break
      }
      case 'named_expression':
      case 'default_parameter':
      case 'typed_default_parameter': {
        const name = childOf(node, 'name')
        if (name) bindTargets(name, childOf(node, 'value'))
        break
      }
      case 'parameters':
      case 'lambda_parameters':
        for (const each of namedChildren(node)) bindTargets(each, null)
        break
      case 'function_definition':
      case 'class_definition': {
        const name = childOf(node, 'name')
        if (!name) break
        names.bind(identifier(name), { kind: 'anything' })
        if (node.parent?.type === 'module') names.shadow(identifier(name))
        break
      }
    }
    for (const child of node.children) collect(child)
  }

  const toArgument = (node: SyntaxNode): Argument => ({
    paths: resolve(node),
    constant: fold(node),
    number: node.type === 'integer',
  })
  const readCall = (node: SyntaxNode): void => {
    const args = positional(node)
    const named: Record<string, Argument> = {}
    for (const each of namedChildren(childOf(node, 'arguments') ?? node)) {
      const value = each.type === 'keyword_argument' ? childOf(each, 'value') : null
      if (value) named[identifier(childOf(each, 'name'))] = toArgument(value)
    }
    for (const path of resolveField(node, 'function')) {
      add({ kind: 'call', path, args: args.map(toArgument), named, line: node.line })
      const [first, second] = args
      const builtin = path.replace(/^builtins\./, '')
      if (NAMED_BY.has(builtin) && first && second) {
        const name = fold(second)
        if (name?.whole) add({ kind: 'member', name: name.text, plain: false, line: node.line })
        else
          for (const of of [...resolve(first), ''])
            add({ kind: 'computed', of, prefix: name?.text ?? '', line: node.line })
      }
      if ((builtin === '__import__' || path === 'importlib.import_module') && first) {
        const name = fold(first)
        if (name?.whole) add({ kind: 'import', path: canonical(name.text), line: node.line })
        else add({ kind: 'computed', of: 'import', prefix: name?.text ?? '', line: node.line })
      }
    }
    const called = childOf(node, 'function')
    if (
      called?.type === 'attribute' &&
      LOOKUPS.has(identifier(childOf(called, 'attribute'))) &&
      args[0] &&
      !fold(args[0])?.whole
    ) {
      for (const of of resolveField(called, 'object').filter(isNamespace))
        add({ kind: 'computed', of, prefix: '', line: node.line })
    }
  }
  /** Second pass: what the code says. */
  const read = (node: SyntaxNode, withinPath = false): void => {
    switch (node.type) {
      case 'import_statement':
      case 'import_from_statement':
        return
      case 'identifier':
      case 'attribute':
      case 'subscript':
      case 'call': {
        const paths = isDeclared(node) ? [] : resolve(node)
        if (!withinPath && !isAlias(node, paths)) for (const path of paths) add({ kind: 'use', path, line: node.line })
        const isWritten = node.field === 'left' && node.parent?.type === 'assignment'
        if (isWritten && node.type !== 'identifier')
          for (const path of paths) add({ kind: 'assign', path, line: node.line })
        if (node.type === 'call') readCall(node)
        if (node.type === 'attribute')
          add({ kind: 'member', name: identifier(childOf(node, 'attribute')), plain: false, line: node.line })
        if (node.type === 'subscript') {
          const key = childOf(node, 'subscript')
          for (const of of key && !fold(key)?.whole ? resolveField(node, 'value').filter(isNamespace) : []) {
            add({ kind: 'computed', of, prefix: '', line: node.line })
          }
        }
        addText(node)
        const target = node.children.find((child) => ['object', 'value', 'function'].includes(child.field ?? ''))
        for (const child of node.children) {
          // The path itself was reported as a whole; what it is made of is no mention of its own.
          const isPart = child === target && paths.length > 0
          if (!(node.type === 'attribute' && child.field === 'attribute')) read(child, isPart)
        }
        return
      }
      case 'while_statement': {
        const condition = childOf(node, 'condition')?.text ?? ''
        const body = namedChildren(childOf(node, 'body') ?? node)
        if (/^\(*(True|1)\)*$/.test(condition) && body.every((each) => /^(pass|continue)_statement$/.test(each.type))) {
          add({ kind: 'spin', line: node.line })
        }
        break
      }
      case 'string':
      case 'concatenated_string':
      case 'binary_operator':
        addText(node)
        break
    }
    for (const child of node.children) read(child)
  }
  const addText = (node: SyntaxNode): void => {
    const text = node.type === 'identifier' ? null : fold(node)
    if (text?.text) add({ kind: 'text', value: text.text, line: node.line })
  }
  collect(root)
  names.settle({ resolve, member: (path, name) => canonical(`${path}.${name}`), forget: () => known.clear() })
  read(root)
  return facts
}

/** Python compares identifiers after this normalisation: full-width letters spell `eval` as well. */
function identifier(node: SyntaxNode | null): string {
  return node?.text.normalize('NFKC') ?? ''
}

function canonical(path: string): string {
  const segments = path.split('.')
  segments[0] = SAME_MODULE[segments[0] ?? ''] ?? segments[0] ?? ''
  // A relative import has no first segment; nothing is carried by what is not there.
  const last = segments.findLastIndex((segment, index) => index > 0 && index < segments.length && CARRIED.has(segment))
  const cut = last > 0 && segments.slice(0, last).every((segment) => segment !== '') ? segments.slice(last) : segments
  const joined = cut.join('.')
  if (joined === 'importlib.__import__') return 'builtins.__import__'
  return joined
}

function positional(call: SyntaxNode): SyntaxNode[] {
  const list = childOf(call, 'arguments')
  return list ? namedChildren(list).filter((each) => each.type !== 'keyword_argument') : []
}

/** `x = os` only gives a module another name, which is followed; inside a class it becomes an attribute, which is not. */
function isAlias(node: SyntaxNode, paths: readonly string[]): boolean {
  const { parent } = node
  if (!parent || paths.some((path) => path.includes('.'))) return false
  if (parent.type === 'argument_list' && parent.parent) {
    // `hasattr(os, 'fork')` says which member it means; the member is what counts.
    const [first, second] = positional(parent.parent)
    return (
      first === node &&
      second?.type === 'string' &&
      /^(get|has)attr$/.test(childOf(parent.parent, 'function')?.text ?? '')
    )
  }
  if (/^(named_expression|(typed_)?default_parameter)$/.test(parent.type)) return node.field === 'value'
  const isSimple =
    parent.type === 'assignment' && node.field === 'right' && childOf(parent, 'left')?.type === 'identifier'
  return isSimple && parent.parent?.parent?.parent?.type !== 'class_definition'
}

/** A place where an identifier is introduced or is a key, not an expression. */
function isDeclared(node: SyntaxNode): boolean {
  const { parent } = node
  if (node.type !== 'identifier' || !parent) return false
  if (node.field === 'name') return true
  if (node.field === 'left') return /^(assignment|for_statement|for_in_clause)$/.test(parent.type)
  return /^(parameters|lambda_parameters|pattern_list|tuple_pattern|list_pattern|global_statement|nonlocal_statement)$/.test(
    parent.type,
  )
}
