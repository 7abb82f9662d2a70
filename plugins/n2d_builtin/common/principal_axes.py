"""Principal axes in float64 about the mean, whatever the units and the offset of the rows."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_framework.plugin import AnyArray

__all__ = ["PrincipalAxes", "principal_coordinates", "signed"]

#: More rows are summed block by block, always the same, and not centred in a copy; if wider than
#: that, only where they cannot be copied.
_MANY, _WIDEST = 1 << 16, 1000
_BLOCK = 4096
#: Share of the largest variance that the eigenvalues of a covariance matrix still resolve with
#: some digits; singular values resolve its square.
_RESOLVED = 1e-10


@attrs.frozen(eq=False)
class PrincipalAxes:
    """Directions of largest variance.

    Attributes
    ----------
    mean : float64 array of shape (d,)
    components : float64 array of shape (m, d)
        Orthonormal rows, by falling variance.
    variance, ratio : float64 array of shape (m,)
        Variance along each, and as a share of the whole; 0 where rounding is all there is.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    variance: NDArray[np.float64]
    ratio: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        x: AnyArray,
        count: int,
        *,
        solver: str = "auto",
        seed: int,
        weights: AnyArray | None = None,
        in_file: bool = False,
    ) -> PrincipalAxes:
        """Find the axes by scikit-learn, on centred rows near 1.

        Products of rows that are not centred lose the digits in which rows differ, and squares
        of float32 overflow beyond 1e19: rows are centred in float64 and scaled by a power of
        two, which is exact.

        Parameters
        ----------
        x : float array of shape (n, d)
        count : int
            Number of axes, at most `n` and `d`.
        solver : {"auto", "full", "randomized", "covariance_eigh"}
            With auto, axes whose variance the method that scikit-learn chooses cannot resolve
            beside the largest are recognized by singular values of all data.
        seed : int
            For a random projection.
        weights : float64 array of shape (n,), optional
            How often each row counts.
        in_file : bool, default False
            Whether the rows are those of a file, of which there can be no copy.
        """
        from sklearn.decomposition import PCA

        if solver != "randomized" and len(x) > _MANY and (in_file or x.shape[1] <= _WIDEST):
            return cls._of_blocks(x, count, solver, weights)

        rows, mean = _centred(x, weights)
        share = 1.0
        if weights is not None:
            # With each row's mirror image beside it, rows of any lengths stay centred.
            rows *= np.sqrt(weights)[:, None]
            rows = np.concatenate([rows, -rows])
            whole = weights.sum()
            share = (len(rows) - 1) / 2 / (whole - 1 if whole > 1 else whole)
        exponent = int(np.frexp(np.abs(rows).max(initial=0.0))[1])
        np.ldexp(rows, -exponent, out=rows)
        solver = "full" if solver == "randomized" and count == min(x.shape) else solver

        def fit(name: str) -> PCA:
            # scikit-learn centres again; of centred rows that changes nothing but rounding.
            return PCA(n_components=count, svd_solver=name, random_state=seed).fit(rows)

        with one_blas_thread(look_again=True), np.errstate(invalid="ignore", divide="ignore"):
            model = fit(solver)
            least = model.explained_variance_[-1]
            if solver == "auto" and not least > _RESOLVED * model.explained_variance_[0]:
                model = fit("full")
        variance = share * np.maximum(np.asarray(model.explained_variance_, dtype=np.float64), 0)
        noise = max(x.shape) * np.finfo(np.float64).eps
        real = variance > (noise if solver == "covariance_eigh" else noise**2) * variance.max()
        ratio = np.nan_to_num(np.asarray(model.explained_variance_ratio_, dtype=np.float64))
        return cls(
            mean + np.ldexp(np.asarray(model.mean_, dtype=np.float64), exponent),
            np.ascontiguousarray(model.components_, dtype=np.float64),
            np.where(real, np.ldexp(variance, 2 * exponent), 0.0),
            np.where(real, ratio, 0.0),
        )

    @classmethod
    def _of_blocks(
        cls, x: AnyArray, count: int, solver: str, weights: AnyArray | None
    ) -> PrincipalAxes:
        """The axes from sums over blocks of float32 rows: one pass, or two.

        Products are of rows less the mean of some of them, evenly spread, which differs so little
        from the mean of all that no digits are lost. Axes whose variance the products cannot
        resolve are found by triangular factors, of which each is made of the one before and a
        block.
        """
        start = x[:: -(-len(x) // _BLOCK)].astype(np.float64).mean(axis=0)

        def blocks(centre: AnyArray, *, root: bool) -> Iterator[tuple[AnyArray, AnyArray]]:
            for first in range(0, len(x), _BLOCK):
                rows = x[first : first + _BLOCK].astype(np.float64) - centre
                weighed = rows
                if weights is not None:
                    share = weights[first : first + _BLOCK, None]
                    weighed = rows * (np.sqrt(share) if root else share)
                yield rows, weighed

        total, products = np.zeros(x.shape[1]), np.zeros((x.shape[1],) * 2)
        whole = float(len(x) if weights is None else weights.sum())
        degrees = whole - 1 if weights is None or whole > 1 else whole
        with one_blas_thread(look_again=True), np.errstate(invalid="ignore", divide="ignore"):
            for rows, weighed in blocks(start, root=False):
                total += weighed.sum(axis=0)
                products += rows.T @ weighed
            offset = total / whole
            products -= whole * np.outer(offset, offset)
            found, vectors = np.linalg.eigh(products)
            squares, axes = np.maximum(found[::-1], 0.0), vectors.T[::-1]
            resolved = squares[count - 1] > _RESOLVED * squares[0]
            exact = solver == "full" or (solver == "auto" and not resolved)
            if exact:
                factor = np.zeros((0, x.shape[1]))
                for _, weighed in blocks(start + offset, root=True):
                    factor = np.asarray(np.linalg.qr(np.concatenate([factor, weighed]), mode="r"))
                _, singular, axes = np.linalg.svd(factor, full_matrices=False)
                squares = singular**2
        noise = max(x.shape) * np.finfo(np.float64).eps
        real = squares[:count] > (noise**2 if exact else noise) * squares.max()
        ratio = np.nan_to_num(squares[:count] / squares.sum())
        return cls(
            start + offset,
            signed(axes[:count].T).T.copy(),
            np.where(real, squares[:count] / degrees, 0.0),
            np.where(real, ratio, 0.0),
        )


def principal_coordinates(x: AnyArray, count: int, *, seed: int) -> NDArray[np.float64]:
    """Coordinates of rows along their own principal axes, of largest variance 1.

    Parameters
    ----------
    x : float array of shape (n, d)
    count : int
    seed : int

    Returns
    -------
    float64 array of shape (n, count)
        Zeros if all rows are equal.
    """
    axes = PrincipalAxes.of(x, count, seed=seed)
    found = (x - axes.mean) @ axes.components.T
    return np.asarray(found / (np.sqrt(axes.variance.max()) or 1.0))


def signed(vectors: AnyArray) -> NDArray[np.float64]:
    """Eigenvectors, as columns, whose largest entries are positive: C-contiguous."""
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.ascontiguousarray(vectors * np.where(largest < 0, -1.0, 1.0))


def _centred(
    x: AnyArray, weights: AnyArray | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows less their mean, a new array, and the mean; its rounding is corrected once."""
    rows = np.array(x, dtype=np.float64, order="C")
    mean = rows.mean(axis=0) if weights is None else np.average(rows, axis=0, weights=weights)
    rows -= mean
    rest = rows.mean(axis=0) if weights is None else np.average(rows, axis=0, weights=weights)
    rows -= rest
    return rows, mean + rest
