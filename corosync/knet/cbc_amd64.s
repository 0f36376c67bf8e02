#include "textflag.h"

// What these do stands in cbc_amd64.go.

#define ENC8(op, k) \
	op k, X0; \
	op k, X1; \
	op k, X2; \
	op k, X3; \
	op k, X4; \
	op k, X5; \
	op k, X6; \
	op k, X7

// CHAIN xors the next block of a lane into its last ciphertext.
#define CHAIN(lane, x) \
	MOVOU 16(lane), X9; \
	PXOR  X9, x

// KEEP stores a lane's ciphertext and goes on.
#define KEEP(lane, x) \
	MOVOU x, 16(lane); \
	ADDQ  $16, lane

// func encrypt8(keys *byte, rounds int, lanes *[8]*byte, blocks int)
TEXT ·encrypt8(SB), NOSPLIT, $0-32
	MOVQ keys+0(FP), AX
	MOVQ lanes+16(FP), BX
	MOVQ blocks+24(FP), DX
	MOVQ 0(BX), R8
	MOVQ 8(BX), R9
	MOVQ 16(BX), R10
	MOVQ 24(BX), R11
	MOVQ 32(BX), R12
	MOVQ 40(BX), R13
	MOVQ 48(BX), SI
	MOVQ 56(BX), DI
	MOVOU (R8), X0
	MOVOU (R9), X1
	MOVOU (R10), X2
	MOVOU (R11), X3
	MOVOU (R12), X4
	MOVOU (R13), X5
	MOVOU (SI), X6
	MOVOU (DI), X7

next8:
	CHAIN(R8, X0)
	CHAIN(R9, X1)
	CHAIN(R10, X2)
	CHAIN(R11, X3)
	CHAIN(R12, X4)
	CHAIN(R13, X5)
	CHAIN(SI, X6)
	CHAIN(DI, X7)
	MOVOU (AX), X8
	ENC8(PXOR, X8)
	LEAQ  16(AX), BX
	MOVQ  rounds+8(FP), CX
	DECQ  CX

round8:
	MOVOU (BX), X8
	ENC8(AESENC, X8)
	ADDQ  $16, BX
	DECQ  CX
	JNZ   round8
	MOVOU (BX), X8
	ENC8(AESENCLAST, X8)
	KEEP(R8, X0)
	KEEP(R9, X1)
	KEEP(R10, X2)
	KEEP(R11, X3)
	KEEP(R12, X4)
	KEEP(R13, X5)
	KEEP(SI, X6)
	KEEP(DI, X7)
	DECQ DX
	JNZ  next8
	RET

// func encrypt1(keys *byte, rounds int, lane *byte, blocks int)
TEXT ·encrypt1(SB), NOSPLIT, $0-32
	MOVQ  keys+0(FP), AX
	MOVQ  lane+16(FP), R8
	MOVQ  blocks+24(FP), DX
	MOVOU (R8), X0

next1:
	CHAIN(R8, X0)
	MOVOU (AX), X8
	PXOR  X8, X0
	LEAQ  16(AX), BX
	MOVQ  rounds+8(FP), CX
	DECQ  CX

round1:
	MOVOU  (BX), X8
	AESENC X8, X0
	ADDQ   $16, BX
	DECQ   CX
	JNZ    round1
	MOVOU  (BX), X8
	AESENCLAST X8, X0
	KEEP(R8, X0)
	DECQ   DX
	JNZ    next1
	RET

// OPEN xors a decrypted block with the ciphertext before it.
#define OPEN(at, x) \
	MOVOU at(SI), X9; \
	PXOR  X9, x

// func decrypt(keys *byte, rounds int, buf *byte, blocks int)
TEXT ·decrypt(SB), NOSPLIT, $0-32
	MOVQ keys+0(FP), AX
	MOVQ buf+16(FP), SI
	MOVQ blocks+24(FP), DX
	MOVQ DX, CX
	SHLQ $4, CX
	ADDQ CX, SI // the last block

eight:
	CMPQ  DX, $8
	JLT   ones
	SUBQ  $128, SI // the ciphertext before the first of eight
	MOVOU 16(SI), X0
	MOVOU 32(SI), X1
	MOVOU 48(SI), X2
	MOVOU 64(SI), X3
	MOVOU 80(SI), X4
	MOVOU 96(SI), X5
	MOVOU 112(SI), X6
	MOVOU 128(SI), X7
	MOVOU (AX), X8
	ENC8(PXOR, X8)
	LEAQ  16(AX), BX
	MOVQ  rounds+8(FP), CX
	DECQ  CX

roundsOf8:
	MOVOU (BX), X8
	ENC8(AESDEC, X8)
	ADDQ  $16, BX
	DECQ  CX
	JNZ   roundsOf8
	MOVOU (BX), X8
	ENC8(AESDECLAST, X8)
	OPEN(0, X0)
	OPEN(16, X1)
	OPEN(32, X2)
	OPEN(48, X3)
	OPEN(64, X4)
	OPEN(80, X5)
	OPEN(96, X6)
	OPEN(112, X7)
	MOVOU X0, 16(SI)
	MOVOU X1, 32(SI)
	MOVOU X2, 48(SI)
	MOVOU X3, 64(SI)
	MOVOU X4, 80(SI)
	MOVOU X5, 96(SI)
	MOVOU X6, 112(SI)
	MOVOU X7, 128(SI)
	SUBQ  $8, DX
	JMP   eight

ones:
	CMPQ  DX, $2
	JLT   one
	SUBQ  $32, SI
	MOVOU 16(SI), X0
	MOVOU 32(SI), X1
	MOVOU (AX), X8
	PXOR  X8, X0
	PXOR  X8, X1
	LEAQ  16(AX), BX
	MOVQ  rounds+8(FP), CX
	DECQ  CX

roundsOf2:
	MOVOU  (BX), X8
	AESDEC X8, X0
	AESDEC X8, X1
	ADDQ   $16, BX
	DECQ   CX
	JNZ    roundsOf2
	MOVOU  (BX), X8
	AESDECLAST X8, X0
	AESDECLAST X8, X1
	OPEN(0, X0)
	OPEN(16, X1)
	MOVOU  X0, 16(SI)
	MOVOU  X1, 32(SI)
	SUBQ   $2, DX
	JMP    ones

one:
	TESTQ DX, DX
	JZ    done
	SUBQ  $16, SI
	MOVOU 16(SI), X0
	MOVOU (AX), X8
	PXOR  X8, X0
	LEAQ  16(AX), BX
	MOVQ  rounds+8(FP), CX
	DECQ  CX

roundsOf1:
	MOVOU  (BX), X8
	AESDEC X8, X0
	ADDQ   $16, BX
	DECQ   CX
	JNZ    roundsOf1
	MOVOU  (BX), X8
	AESDECLAST X8, X0
	OPEN(0, X0)
	MOVOU  X0, 16(SI)

done:
	RET

// func inverse(from, to *byte)
TEXT ·inverse(SB), NOSPLIT, $0-16
	MOVQ   from+0(FP), AX
	MOVQ   to+8(FP), BX
	MOVOU  (AX), X0
	AESIMC X0, X0
	MOVOU  X0, (BX)
	RET
