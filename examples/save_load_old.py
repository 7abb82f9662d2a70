"""Saving and loading, as the documentation of n2d 0.3.2 shows it; two files, now without pickle."""

from __future__ import annotations

from common import arguments, old_data

import n2d_framework.n2d as n2d


def main() -> None:
    args = arguments(__doc__)
    x, _, y_names = old_data(args.data)
    model = n2d.n2d(n2d.AutoEncoder(x.shape[-1], len(y_names)), n2d.UmapGMM(len(y_names)))
    preds = model.fit_predict(x, epochs=args.epochs, verbose=args.verbose)

    n2d.save_n2d(model, encoder_id="models/har.h5", manifold_id="models/hargmm.sav")
    hcluster = n2d.load_n2d("models/har.h5", "models/hargmm.sav")
    print("the same labels:", bool((hcluster.predict(x) == preds).all()))


if __name__ == "__main__":
    main()
