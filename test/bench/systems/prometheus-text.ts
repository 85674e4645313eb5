/** The sum of all series of a metric that carry these labels, 0 when there is none. */
export function total(text: string, metric: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? (\S+)/.exec(line);
    if (match?.[1] !== metric) continue;
    const carried = match[2] ?? '';
    const fits = Object.entries(labels).every(([name, value]) => carried.split(',').includes(`${name}="${value}"`));
    if (fits) sum += Number(match[3]);
  }
  return sum;
}
