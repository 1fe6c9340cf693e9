import type { Argument, Fact } from './fact.ts'
import { createJavascriptConstants, toIdentifier } from './javascript-constants.ts'
import { Names } from './names.ts'
import { childOf, namedChildren, type SyntaxNode } from './syntax.ts'

/** Globals that stay what they are unless the whole code declares its own; any other bound name is the code's. */
const STRONG = new Set('eval Function process require globalThis global WebAssembly setTimeout setInterval'.split(' '))
const GLOBAL_OBJECT = /^(globalThis|global|window|self|root)$/
/** The global object; its members are globals. */
const GLOBAL = '%global'
const EMPTY = /^(empty_statement|statement_block)$/

export function readJavascript(root: SyntaxNode): Fact[] {
  const facts: Fact[] = []
  const names = new Names()
  const fold = createJavascriptConstants(names)
  const add = (fact: Fact) => facts.push(fact)
  const textOf = (node: SyntaxNode | undefined): string | null => {
    const constant = node ? fold(node) : null
    return constant?.whole ? constant.text : null
  }

  const resolveName = (name: string): string[] => {
    const paths = names.pathsOf(name)
    if (!names.isBound(name) || (STRONG.has(name) && !names.isShadowed(name))) paths.push(globalPath(name))
    return paths
  }
  const member = (path: string, name: string): string => {
    if (path === GLOBAL) return globalPath(name)
    if (name === 'default') return path
    return path === '%module' && name === 'require' ? 'require' : `${path}.${name}`
  }
  const known = new Map<SyntaxNode, string[]>()
  const resolve = (node: SyntaxNode): string[] => {
    let paths = known.get(node)
    if (!paths) known.set(node, (paths = resolveNew(node)))
    return paths
  }
  const resolveNew = (node: SyntaxNode): string[] => {
    switch (node.type) {
      case 'identifier':
      case 'shorthand_property_identifier':
        return resolveName(toIdentifier(node))
      case 'member_expression': {
        const name = toIdentifier(childOf(node, 'property'))
        return resolveField(node, 'object').map((path) => member(path, name))
      }
      case 'subscript_expression': {
        const name = textOf(childOf(node, 'index') ?? undefined)
        return name === null ? [] : resolveField(node, 'object').map((path) => member(path, name))
      }
      case 'parenthesized_expression':
      case 'await_expression':
      case 'spread_element':
        return namedChildren(node).flatMap(resolve)
      case 'ternary_expression':
        return [...resolveField(node, 'consequence'), ...resolveField(node, 'alternative')]
      case 'binary_expression':
        return /^(\|\||&&|\?\?)$/.test(childOf(node, 'operator')?.text ?? '')
          ? [...resolveField(node, 'left'), ...resolveField(node, 'right')]
          : []
      case 'sequence_expression': {
        const last = namedChildren(node).at(-1)
        return last ? resolve(last) : []
      }
      case 'assignment_expression':
        return resolveField(node, 'right')
      case 'call_expression': {
        const module = importedBy(node)
        if (module) return module.name === null ? [] : [toModule(module.name)]
        const args = argumentsOf(node)
        return resolveField(node, 'function').flatMap((path): string[] => {
          if (path === 'module.createRequire') return ['require']
          const name = textOf(args[1])
          return path === 'Reflect.get' && args[0] && name !== null
            ? resolve(args[0]).map((of) => member(of, name))
            : []
        })
      }
      default:
        return []
    }
  }
  const resolveField = (node: SyntaxNode, field: string): string[] => {
    const child = childOf(node, field)
    return child ? resolve(child) : []
  }
  /** Set where a call loads a module; `name` is null where it is computed. */
  const importedBy = (node: SyntaxNode): { name: string | null; prefix: string } | null => {
    const called = childOf(node, 'function')
    if (node.type !== 'call_expression' || !called) return null
    const loads =
      called.type === 'import' ||
      resolve(called).some((path) => path === 'require' || path === 'process.getBuiltinModule')
    if (!loads) return null
    const [first] = argumentsOf(node)
    const constant = first ? fold(first) : null
    return { name: constant?.whole ? constant.text : null, prefix: constant?.text ?? '' }
  }

  /** Binds the names in a pattern to members of `value`. */
  const bindPattern = (pattern: SyntaxNode, value: SyntaxNode | null, members: readonly string[] = []): void => {
    switch (pattern.type) {
      case 'identifier':
      case 'shorthand_property_identifier_pattern':
        names.bind(toIdentifier(pattern), value ? { kind: 'expression', node: value, members } : { kind: 'anything' })
        return
      case 'assignment_pattern':
      case 'object_assignment_pattern': {
        const left = childOf(pattern, 'left')
        const right = childOf(pattern, 'right')
        const name = left?.type === 'shorthand_property_identifier_pattern' ? [toIdentifier(left)] : []
        if (left) bindPattern(left, value, [...members, ...name])
        if (left && right) bindPattern(left, right)
        return
      }
      case 'object_pattern':
        for (const each of namedChildren(pattern)) {
          const key = childOf(each, 'key')
          const inner = childOf(each, 'value')
          if (key && inner) bindPattern(inner, value, [...members, keyOf(key)])
          else if (each.type === 'shorthand_property_identifier_pattern')
            bindPattern(each, value, [...members, toIdentifier(each)])
          else bindPattern(each, value, members)
        }
        return
      case 'array_pattern': {
        const items = value?.type === 'array' ? namedChildren(value) : []
        for (const [index, each] of namedChildren(pattern).entries()) bindPattern(each, items[index] ?? null)
        return
      }
      case 'rest_pattern':
        for (const each of namedChildren(pattern)) bindPattern(each, value, members)
    }
  }
  const keyOf = (key: SyntaxNode): string => {
    if (key.type === 'computed_property_name') return textOf(namedChildren(key)[0]) ?? ''
    return key.type === 'string' ? (textOf(key) ?? '') : toIdentifier(key)
  }
  /** First pass: what every name is bound to. */
  const collect = (node: SyntaxNode): void => {
    switch (node.type) {
      case 'import_statement':
        collectImport(node)
        return
      case 'variable_declarator': {
        const name = childOf(node, 'name')
        if (name) bindPattern(name, childOf(node, 'value'))
        if (name?.type === 'identifier' && node.parent?.parent?.type === 'program') names.shadow(toIdentifier(name))
        break
      }
      case 'assignment_expression': {
        const left = childOf(node, 'left')
        if (left) bindPattern(left, childOf(node, 'right'))
        break
      }
      case 'for_in_statement': {
        const left = childOf(node, 'left')
        if (left) bindPattern(left, null)
        break
      }
      case 'formal_parameters':
        for (const each of namedChildren(node)) bindPattern(each, null)
        break
      case 'arrow_function':
      case 'catch_clause': {
        const parameter = childOf(node, 'parameter')
        if (parameter) bindPattern(parameter, null)
        break
      }
      case 'function_declaration':
      case 'generator_function_declaration':
      case 'class_declaration': {
        const name = childOf(node, 'name')
        if (!name) break
        names.bind(toIdentifier(name), { kind: 'anything' })
        if (node.parent?.type === 'program') names.shadow(toIdentifier(name))
        break
      }
    }
    for (const child of node.children) collect(child)
  }
  const collectImport = (node: SyntaxNode): void => {
    const source = textOf(childOf(node, 'source') ?? undefined) ?? ''
    const module = toModule(source)
    const addImport = (path: string, name: SyntaxNode | null) => {
      add({ kind: 'import', path, line: node.line })
      if (!name) return
      names.bind(toIdentifier(name), { kind: 'path', path })
      names.shadow(toIdentifier(name))
    }
    addImport(module, null)
    for (const clause of node.children.filter((child) => child.type === 'import_clause')) {
      for (const each of namedChildren(clause)) {
        if (each.type === 'identifier') addImport(module, each)
        if (each.type === 'namespace_import') addImport(module, namedChildren(each)[0] ?? null)
        for (const specifier of each.type === 'named_imports' ? namedChildren(each) : []) {
          const name = childOf(specifier, 'name')
          const path = name
            ? member(module, name.type === 'string' ? (textOf(name) ?? '') : toIdentifier(name))
            : module
          addImport(path, childOf(specifier, 'alias') ?? name)
        }
      }
    }
  }

  const toArgument = (node: SyntaxNode): Argument => ({
    paths: resolve(node),
    constant: fold(node),
    number: node.type === 'number',
  })
  const readCall = (node: SyntaxNode): void => {
    const module = importedBy(node)
    if (module) {
      if (module.name === null) add({ kind: 'computed', of: 'import', prefix: module.prefix, line: node.line })
      else add({ kind: 'import', path: toModule(module.name), line: node.line })
    }
    const args = argumentsOf(node)
    const called = resolveField(node, node.type === 'new_expression' ? 'constructor' : 'function')
    for (const path of called) {
      add({ kind: 'call', path, args: args.map(toArgument), named: {}, line: node.line })
      if (path !== 'Reflect.get' || !args[0] || !args[1]) continue
      const name = fold(args[1])
      if (name?.whole) add({ kind: 'member', name: name.text, plain: false, line: node.line })
      else for (const of of resolve(args[0])) add({ kind: 'computed', of, prefix: '', line: node.line })
    }
  }
  const readMember = (node: SyntaxNode): void => {
    const property = childOf(node, 'property')
    const index = childOf(node, 'index')
    const constant = index ? fold(index) : null
    const name = property ? toIdentifier(property) : constant?.whole ? constant.text : null
    if (name !== null)
      add({ kind: 'member', name, plain: name === 'constructor' && isPlainRead(node), line: node.line })
    else if (index?.type !== 'number')
      for (const of of resolveField(node, 'object'))
        add({ kind: 'computed', of, prefix: constant?.text ?? '', line: node.line })
  }
  /** Second pass: what the code says. */
  const read = (node: SyntaxNode, withinPath = false): void => {
    switch (node.type) {
      case 'import_statement':
        return
      case 'export_statement': {
        const source = textOf(childOf(node, 'source') ?? undefined)
        if (source !== null) add({ kind: 'import', path: toModule(source), line: node.line })
        break
      }
      case 'identifier':
      case 'shorthand_property_identifier':
      case 'member_expression':
      case 'subscript_expression':
      case 'call_expression':
      case 'new_expression': {
        const paths = isDeclared(node) ? [] : resolve(node)
        if (!withinPath && !isAlias(node, paths)) for (const path of paths) add({ kind: 'use', path, line: node.line })
        if (/^(member|subscript)_expression$/.test(node.type)) readMember(node)
        if (/^(call|new)_expression$/.test(node.type)) readCall(node)
        if (isWritten(node) && !/identifier/.test(node.type))
          for (const path of paths) add({ kind: 'assign', path, line: node.line })
        addText(node)
        for (const child of node.children)
          read(child, paths.length > 0 && (child.field === 'object' || child.field === 'function'))
        return
      }
      case 'variable_declarator': {
        const pattern = childOf(node, 'name')
        if (pattern?.type === 'object_pattern') readPattern(pattern, resolveField(node, 'value'))
        break
      }
      case 'pair':
      case 'pair_pattern': {
        const key = childOf(node, 'key')
        if (key) add({ kind: 'member', name: keyOf(key), plain: node.type === 'pair', line: node.line })
        break
      }
      case 'shorthand_property_identifier_pattern':
        add({ kind: 'member', name: toIdentifier(node), plain: false, line: node.line })
        break
      case 'while_statement':
      case 'for_statement':
      case 'do_statement': {
        const condition = childOf(node, 'condition')
        const body = childOf(node, 'body')
        const isEndless = condition && /^(\(+(true|1)\)+|true|1|;)$/.test(condition.text.replaceAll(/\s/g, ''))
        if (isEndless && body && EMPTY.test(body.type) && namedChildren(body).length === 0)
          add({ kind: 'spin', line: node.line })
        break
      }
      case 'string':
      case 'template_string':
      case 'binary_expression':
        addText(node)
        break
    }
    for (const child of node.children) read(child)
  }
  const readPattern = (pattern: SyntaxNode, paths: readonly string[]): void => {
    for (const each of namedChildren(pattern)) {
      const key = childOf(each, 'key') ?? childOf(each, 'left') ?? each
      const name = keyOf(key)
      if (name) for (const path of paths) add({ kind: 'use', path: member(path, name), line: each.line })
    }
  }
  const addText = (node: SyntaxNode): void => {
    const text = /identifier/.test(node.type) ? null : fold(node)
    if (text?.text) add({ kind: 'text', value: text.text, line: node.line })
  }
  collect(root)
  names.settle({ resolve, member, forget: () => known.clear() })
  read(root)
  return facts
}

function globalPath(name: string): string {
  if (GLOBAL_OBJECT.test(name)) return GLOBAL
  // The global `module` of a CommonJS file is not the module of that name.
  return name === 'module' ? '%module' : name
}

function toModule(name: string): string {
  return name.replace(/^node:/, '')
}

function argumentsOf(call: SyntaxNode): SyntaxNode[] {
  const list = childOf(call, 'arguments')
  if (!list) return []
  return list.type === 'arguments' ? namedChildren(list) : [list]
}

function isWritten(node: SyntaxNode): boolean {
  const { parent } = node
  if (parent?.type === 'unary_expression') return childOf(parent, 'operator')?.text === 'delete'
  return node.field === 'left' && /assignment_expression$/.test(parent?.type ?? '')
}

/** `const g = globalThis` only gives it another name, which is followed; `typeof process` only asks whether it is there. */
function isAlias(node: SyntaxNode, paths: readonly string[]): boolean {
  const { parent } = node
  if (!parent) return false
  const target = parent.type === 'variable_declarator' && node.field === 'value' ? childOf(parent, 'name') : null
  // The members that a pattern takes are reported by name; the rest of them have none.
  if (target?.type === 'object_pattern') return target.children.every((each) => each.type !== 'rest_pattern')
  if (paths.some((path) => path.includes('.'))) return false
  if (target) return target.type === 'identifier'
  // The real `process` can not be called: this one is a function of the code's own.
  if (node.field === 'function') return paths.every((path) => path === 'process')
  if (parent.type === 'unary_expression') return childOf(parent, 'operator')?.text === 'typeof'
  return parent.type === 'binary_expression' && /^(instanceof|[!=]==?)$/.test(childOf(parent, 'operator')?.text ?? '')
}

/** `x.constructor.name` and `x.constructor === y` only look; a call, or handing it on, may run code. */
function isPlainRead(node: SyntaxNode): boolean {
  const { parent } = node
  if (parent?.type === 'binary_expression')
    return /^(instanceof|[!=]==?)$/.test(childOf(parent, 'operator')?.text ?? '')
  if (parent?.type !== 'member_expression' || node.field !== 'object') return false
  return !/^(constructor|call|apply|bind|prototype)$/.test(toIdentifier(childOf(parent, 'property')))
}

/** A place where an identifier is introduced or is a key, not an expression. */
function isDeclared(node: SyntaxNode): boolean {
  const { parent } = node
  if (node.type !== 'identifier' || !parent) return false
  if (node.field === 'name' || node.field === 'parameter') return true
  if (node.field === 'left') return /^(assignment_expression|for_in_statement|assignment_pattern)$/.test(parent.type)
  return /^(formal_parameters|object_pattern|array_pattern|rest_pattern|pair_pattern)$/.test(parent.type)
}
