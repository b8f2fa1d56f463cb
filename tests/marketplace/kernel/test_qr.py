"""QR codes are those of the standard."""

import re

from marketplace.kernel import qr

ADDRESS = "https://duijie.example/events/7"
# As it was drawn when another program (OpenCV's reader) read the address back.
READ_BACK = """
#######..#.....#####..#######
#.....#....#.....#..#.#.....#
#.###.#.#.#...#.#...#.#.###.#
#.###.#.##.#....##....#.###.#
#.###.#.####.###..###.#.###.#
#.....#.###.#####.....#.....#
#######.#.#.#.#.#.#.#.#######
........###..#.#....#........
#.#####....##.##.#.#..#####..
..#....#..##...##..######...#
#....####...#....#...##......
.##....###..#.#.#.#......#.#.
.###.###.####...##..#....##..
##.#....###..###..#######...#
..#####.....#####...#..####..
.##..#.#.##.##.#....#......#.
##.#..#.##.#..##.#.#.#...##..
#...#....##.#..##########.#.#
#.#..##...#......#..#.###.#..
#..###..##.##.#.#.#..####..#.
#..########.#....#..#####.###
........#.######....#...#####
#######..########..##.#.###..
#.....#.#.#..#..#.###...#...#
#.###.#.##.#..####..#####.#.#
#.###.#.#..###.........#.##..
#.###.#.###.#.#####.########.
#.....#..##...#.#..##...##.#.
#######.#.##.#...###...##.#..
"""


def drawn(code: qr.Code) -> list[str]:
    rows = [[" "] * code.size for _ in range(code.size)]
    for row, column, many in code.dark:
        rows[row][column : column + many] = "#" * many
    return ["".join(row) for row in rows]


def test_a_code_is_what_another_reader_read_back():
    assert drawn(qr.code(ADDRESS)) == READ_BACK.strip("\n").replace(".", " ").split("\n")


def test_the_path_of_a_code_draws_its_dark_modules_and_keeps_a_quiet_zone():
    code = qr.code("A" * 45)
    found = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", code.path)
    assert [(int(y) - qr.QUIET, int(x) - qr.QUIET, int(many)) for x, y, many in found] == list(code.dark)
    assert code.side == code.size + 8 == 29 + 8
