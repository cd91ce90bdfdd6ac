"""`sysgen run`: from a file and a model to a training set, in an ordinary deployment.

Here belongs what the command does around the assets: finding source and model, the catalogue that
is written for the user, the preview, the progress, the summary. What makes rows are the assets.
"""
