import numpy as np
import pytest

from matching.segments.files import UNFINISHED, Damaged, Opened, finish, write_arrays, write_text

ARRAYS = {
    "numbers": np.arange(1000, dtype=np.uint32),
    "table": np.arange(6, dtype=np.float64).reshape(2, 3),
    "keys": np.array([b"a", b"bcd"]),
    "nothing": np.zeros((0, 3), np.uint16),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.arrays"
    write_arrays(path, ARRAYS, {"records": 2, "name": "甲"})
    finish(path)
    return path


def test_arrays_come_back_as_they_were_and_cannot_be_written_to(path):
    file = Opened(path)
    assert file.about == {"records": 2, "name": "甲"}
    for name, array in ARRAYS.items():
        assert np.array_equal(file.arrays[name], array)
        assert file.arrays[name].dtype == array.dtype
        assert not file.arrays[name].flags.writeable
    file.verify()


def test_pieces_make_one_array(tmp_path):
    path = tmp_path / "pieces"
    write_arrays(path, {"a": iter([np.arange(3), np.arange(3, 5)])}, {})
    finish(path)
    assert Opened(path).arrays["a"].tolist() == [0, 1, 2, 3, 4]


def test_a_file_has_its_name_only_when_it_is_complete(tmp_path):
    path = tmp_path / "late"
    write_arrays(path, ARRAYS, {})
    assert [each.name for each in tmp_path.iterdir()] == ["late" + UNFINISHED]
    finish(path)
    assert [each.name for each in tmp_path.iterdir()] == ["late"]


def test_a_text_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "text"
    write_text(path, "一")
    write_text(path, "二")
    assert [each.name for each in tmp_path.iterdir()] == ["text"]
    assert path.read_text(encoding="utf-8") == "二"


def test_a_file_cut_at_any_byte_is_damaged(path):
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(Damaged):
            Opened(path)


def test_any_changed_byte_of_an_array_is_noticed(path):
    content = path.read_bytes()
    for place in range(0, 4000, 61):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(Damaged, match="is not what was written"):
            Opened(path).verify()


def test_any_changed_byte_of_the_directory_is_noticed(path):
    content = path.read_bytes()
    for place in range(content.index(b'{"arrays"'), len(content), 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(Damaged):
            Opened(path)
