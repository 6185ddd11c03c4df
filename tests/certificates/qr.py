"""Reads an undamaged QR code (versions 1 to 6, level M, byte mode), by ISO/IEC 18004, not by the code that drew it."""

# Version -> number of blocks and data codewords in each, at level M.
_BLOCKS = {1: (1, 16), 2: (1, 28), 3: (1, 44), 4: (2, 32), 5: (2, 43), 6: (4, 27)}
_MASKS = [
    lambda r, c: (r + c) % 2 == 0,
    lambda r, _c: r % 2 == 0,
    lambda _r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
]


def decode(matrix: list[list[int]]) -> str:
    """The text of a square of 0 and 1, first row on top."""
    version = (len(matrix) - 17) // 4
    blocks, words = _BLOCKS[version]
    data = [matrix[8][column] for column in range(5)]
    level_and_mask = int("".join(map(str, data)), 2) ^ 0b10101
    assert level_and_mask >> 3 == 0b00, "level M"
    bits = _bits(matrix, version, _MASKS[level_and_mask & 0b111])
    codewords = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, blocks * words * 8, 8)]
    stream = [codewords[word * blocks + block] for block in range(blocks) for word in range(words)]
    text = "".join(f"{word:08b}" for word in stream)
    assert text[:4] == "0100", "byte mode"
    length = int(text[4:12], 2)
    return bytes(int(text[12 + 8 * at : 20 + 8 * at], 2) for at in range(length)).decode()


def _bits(matrix, version, mask) -> list[int]:
    size = len(matrix)
    bits = []
    columns = [column for column in range(size - 1, 0, -2) if column > 6] + [5, 3, 1]
    for turn, right in enumerate(columns):
        rows = range(size) if turn % 2 else range(size - 1, -1, -1)
        for row in rows:
            bits.extend(
                matrix[row][column] ^ mask(row, column)
                for column in (right, right - 1)
                if not _is_function(row, column, size, version)
            )
    return bits


def _is_function(row: int, column: int, size: int, version: int) -> bool:
    if row == 6 or column == 6:
        return True
    if (row < 9 and (column < 9 or column >= size - 8)) or (row >= size - 8 and column < 9):
        return True
    return version > 1 and abs(row - (size - 7)) <= 2 and abs(column - (size - 7)) <= 2
