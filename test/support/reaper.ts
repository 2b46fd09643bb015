/**
 * Makes sure that nothing outlives a test process, even one that is killed: a small shell process reads from a pipe which
 * processes and folders belong to us; when the pipe closes, because we ended in whatever way, it kills and removes what
 * was not given back before.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** Lines in: `pid N`, `nopid N`, `dir PATH`, `nodir PATH`. */
export const REAPER_SCRIPT = `
pids=" "; dirs=""
while IFS=' ' read -r what value; do
  case "$what" in
    pid) pids="$pids$value " ;;
    nopid) pids=$(printf '%s' "$pids" | sed "s/ $value / /") ;;
    dir) dirs="$dirs
$value" ;;
    nodir) dirs=$(printf '%s\\n' "$dirs" | grep -vxF -- "$value") ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
printf '%s\\n' "$dirs" | while read -r dir; do [ -n "$dir" ] && rm -rf -- "$dir"; done
`;

let reaper: ChildProcess | null = null;

function tell(line: string): void {
  if (reaper === null) {
    // `detached`: a signal to our process group (Ctrl-C) must not end it before it has done its work.
    reaper = spawn('sh', ['-c', REAPER_SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    reaper.unref();
    (reaper.stdin as unknown as { unref(): void }).unref();
    reaper.stdin!.on('error', () => {});
  }
  reaper.stdin!.write(`${line}\n`);
}

export const ownProcess = (pid: number): void => tell(`pid ${pid}`);
export const releaseProcess = (pid: number): void => tell(`nopid ${pid}`);
/** The path must not contain a line feed. */
export const ownFolder = (path: string): void => tell(`dir ${path}`);
export const releaseFolder = (path: string): void => tell(`nodir ${path}`);
