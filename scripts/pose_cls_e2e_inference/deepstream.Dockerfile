# NVIDIA's deepstream-bodypose-3d app, built as its README says; for --pose-source deepstream.
#   docker build -t deepstream-bodypose-3d:7.1 - < deepstream.Dockerfile
# Needs no account: image and networks are public. Their licences are NVIDIA's.
FROM nvcr.io/nvidia/deepstream:7.1-gc-triton-devel

ARG APPS=https://github.com/NVIDIA-AI-IOT/deepstream_reference_apps.git
ARG COMMIT=0d9700ab355db2226b6d095679c06de840fc04e3
ENV BODYPOSE3D_HOME=/opt/apps/deepstream-bodypose-3d \
    CUDA_VER=12.6

RUN apt-get update \
 && apt-get install --yes --no-install-recommends git libeigen3-dev libjson-glib-dev wget \
 && rm -rf /var/lib/apt/lists/* \
 && ln -sf eigen3/Eigen /usr/include/Eigen \
 && git clone "$APPS" /opt/apps \
 && git -C /opt/apps checkout --quiet "$COMMIT"
WORKDIR $BODYPOSE3D_HOME
RUN sh ./download_models.sh
RUN make -C sources/nvdsinfer_custom_impl_BodyPose3DNet \
 && make -C sources

# The app finds its settings and networks from here.
WORKDIR $BODYPOSE3D_HOME/sources
ENV PATH=$BODYPOSE3D_HOME/sources:$PATH
