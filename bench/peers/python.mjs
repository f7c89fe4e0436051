// The libraries that are installed for Python.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export const python = join(import.meta.dirname, 'venv/bin/python');

// What an expression is that uses a module.
export function evaluate(module, expression) {
  const program = `import ${module}; print(${module}.${expression})`;
  return execFileSync(python, ['-c', program], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }).trim();
}
