#!/usr/bin/env bash
# The kernels for arm64, cross-compiled and tried under emulation:
#   tools/check_arm64.sh WORK [tests ...]
# Needs Debian's g++-aarch64-linux-gnu and qemu-user, and Debian's arm64 packages of its own Python,
# which `apt-get download` fetches once `dpkg --add-architecture arm64` and `apt-get update` were run.
# WORK keeps them, with arm64 wheels of torch and numpy, for the next time. Pure Python packages are
# those of the environment that runs it (PYTHON=.venv/bin/python), which must have the same version.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
work=$(mkdir -p "$1" && cd "$1" && pwd)
shift
tests=("${@:-tests/ops/test_elementwise.py}")
version=$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
tag=cp${version/./}

if [ ! -x "$work/root/usr/bin/python$version" ]; then
  mkdir -p "$work/debs" "$work/root"
  (cd "$work/debs" && apt-get download {"python$version","python$version-minimal","libpython$version-minimal","libpython$version-stdlib","libpython$version-dev",libc6,libgcc-s1,libstdc++6,zlib1g,libexpat1,libssl3,libffi8,libbz2-1.0,liblzma5,libsqlite3-0,libuuid1,libgomp1,libgfortran5,libatomic1}:arm64)
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
fi
if [ ! -d "$work/site/torch" ]; then
  # The newest torch whose arm64 wheel is one for CPUs alone.
  "$python" -m pip install --quiet --no-deps --only-binary :all: --target "$work/site" \
    --python-version "$version" --implementation cp --abi "$tag" --abi abi3 \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
    'torch==2.10.0' numpy markupsafe safetensors
fi

nanobind=$("$python" -c 'import nanobind, os; print(os.path.dirname(nanobind.__file__))')
pure=$("$python" -c 'import pytest, os; print(os.path.dirname(os.path.dirname(pytest.__file__)))')
include=(-I"$work/root/usr/include/python$version" -I"$work/root/usr/include"
         -I"$nanobind/include" -I"$nanobind/ext/robin_map/include")
flags=(-std=c++17 -O3 -fPIC -fvisibility=hidden -fno-strict-aliasing -DNDEBUG)
mkdir -p "$work/objects"
rm -f "$work"/objects/*.o
for source in $(sed -n 's/^set(sources \(.*\))$/\1/p' "$root/CMakeLists.txt"); do
  aarch64-linux-gnu-g++ "${flags[@]}" -ffp-contract=fast -Wall -Wextra -Wno-psabi -Werror \
    "${include[@]}" -c "$root/$source" -o "$work/objects/$(basename "$source" .cpp).o"
done
aarch64-linux-gnu-g++ "${flags[@]}" -DNB_COMPACT_ASSERTIONS "${include[@]}" \
  -c "$nanobind/src/nb_combined.cpp" -o "$work/objects/nanobind.o"

rm -rf "$work/package" && mkdir "$work/package"
cp -r "$root/src/carrousel" "$work/package"
find "$work/package" -name '*.so' -delete
aarch64-linux-gnu-g++ -shared -o "$work/package/carrousel/_core.cpython-${version/./}-aarch64-linux-gnu.so" \
  "$work"/objects/*.o -lpthread

# Tests that start another Python start this one.
emulated=$work/python
cat > "$emulated" <<END
#!/bin/sh
exec qemu-aarch64 -L "$work/root" -0 "$emulated" "$work/root/usr/bin/python$version" -S "\$@"
END
chmod +x "$emulated"

cd "$root"
PYTHONPATH=$work/package:$work/site:$pure:$root PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 PYTHONHOME=$work/root/usr PYTHONDONTWRITEBYTECODE=1 \
OMP_NUM_THREADS=1 exec "$emulated" -m pytest -p no:cacheprovider -o addopts= -o pythonpath= \
  --import-mode=importlib -q "${tests[@]}"
