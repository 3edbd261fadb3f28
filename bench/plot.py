# SPDX-License-Identifier: MIT
"""bench.json as a picture: gnuplot, which every distribution has and which writes plain SVG."""

import subprocess

SCRIPT = """
set terminal svg size 900,{height} font "sans,13" background "#ffffff" name "bench"
set output "{output}"
set title "{title}" noenhanced
set xlabel "Rust over C; below 1 is better"
set xrange [0:{right}]
set yrange [{count}-0.5:-0.5]
set ytics ({names}) noenhanced
set grid xtics lc "#dddddd"
set arrow 1 from 1,graph 0 to 1,graph 1 nohead lc "#888888" dt 2
set lmargin 34
set style fill solid
unset key
$rows << END
{rows}
END
plot $rows using (($2)/2):1:(($2)/2):(0.3) with boxxyerror lc "#7aa6c2", \\
     $rows using 2:1:3:4 with xerrorbars pt 7 ps 0.4 lc "#1f3b4d", \\
     $rows using 4:1:(sprintf("  %.3f", $2)) with labels left font ",11"
"""


def write(rows, title, output):
    """Draws the ratios of bench.json's rows, with their ranges."""
    rows = [row for row in rows if not row["name"].startswith("control/")]
    names = ", ".join(f'"{row["name"]}" {number}' for number, row in enumerate(rows))
    data = "\n".join(
        f"{number} {row['ratio']} {row['min']} {row['max']}" for number, row in enumerate(rows)
    )
    script = SCRIPT.format(
        height=90 + 32 * len(rows),
        output=output,
        title=title,
        count=len(rows),
        names=names,
        rows=data,
        # Room for the number after the longest bar.
        right=max(row["max"] for row in rows) * 1.15,
    )
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
